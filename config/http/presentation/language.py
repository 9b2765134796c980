"""The language of a page: that of the profile, else of the cookie, else of the browser."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from accounts.people import languages, profile

# The API answers in English, as documented.
ENGLISH_PATHS = ("/api/", "/v1/", "/sandbox/", "/health")
YEAR = 365 * 24 * 3600


def language_middleware(
    get_response: Callable[[HttpRequest], HttpResponseBase],
) -> Callable[[HttpRequest], HttpResponseBase]:
    """Activate the language of the profile. Runs after LocaleMiddleware and authentication."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(ENGLISH_PATHS):
            translation.activate(settings.LANGUAGE_CODE)
        elif settings.SESSION_COOKIE_NAME in request.COOKIES:
            user = request.user
            if user.is_authenticated:
                translation.activate(languages.django_code_of(user.language))
                request.LANGUAGE_CODE = translation.get_language()
        return get_response(request)

    return answer


@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Store the chosen language in a cookie, and in the profile of a signed-in user."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
        back = resolve_url("home")
    response = HttpResponseRedirect(back)
    wanted = request.POST.get("language", "")
    if wanted not in dict(settings.LANGUAGES):
        return response
    if request.user.is_authenticated:
        names = {code: name for name, code in languages.DJANGO_CODES.items()}
        profile.update(request.user, language=names[wanted])
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        wanted,
        max_age=YEAR,
        samesite="Lax",
        secure=settings.PRODUCTION,
    )
    return response
