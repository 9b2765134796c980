"""The theme of the pages: light, dark, or whatever the browser prefers."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from config.lib.web.responses import redirect_back

THEMES = {"light", "dark"}
COOKIE = "theme"
YEAR = 365 * 24 * 3600


def theme_of(request: HttpRequest) -> str:
    """Return the theme this browser has chosen, or "" when it follows the system."""
    chosen = request.COOKIES.get(COOKIE, "")
    return chosen if chosen in THEMES else ""


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Store the chosen theme in a cookie; any other value removes the cookie."""
    response = redirect_back(request, "home")
    chosen = request.POST.get("theme")
    if chosen in THEMES:
        response.set_cookie(
            COOKIE, chosen, max_age=YEAR, samesite="Lax", secure=settings.PRODUCTION
        )
    else:
        response.delete_cookie(COOKIE, samesite="Lax")
    return response
