"""The answer to a form without a valid CSRF token, which most often was open too long."""

from allauth.account.utils import get_next_redirect_url
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.translation import gettext as _
from django.views import csrf


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that the page has expired; lead on who has signed in since, in another tab.

    Signing in replaces the token, so that every form of before is refused.
    """
    match = request.resolver_match
    if (
        match
        and match.url_name in {"account_login", "account_signup"}
        and request.user.is_authenticated
    ):
        name = request.user.get_username()
        messages.info(request, _("You are already signed in as %(name)s.") % {"name": name})
        return redirect(get_next_redirect_url(request) or resolve_url(settings.LOGIN_REDIRECT_URL))
    return csrf.csrf_failure(request, reason=reason)
