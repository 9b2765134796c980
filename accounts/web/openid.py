"""Sign-in with the OpenID Connect provider: the way there and back."""

from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import (
    OAuth2CallbackView,
    OAuth2LoginView,
    OAuth2View,
)
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.auth import openid


def login(request: HttpRequest) -> HttpResponse:
    """Lead to the provider with a page: after a form, a redirect leads only where our policy says.

    The provider itself states its address, which we have asked for only now.
    """
    response = _answer(request, OAuth2LoginView)
    if response.status_code != 302:
        return response
    name = get_adapter(request).get_provider(request, openid.PROVIDER).name
    context = {"url": response["Location"], "provider_name": name}
    page = render(request, "socialaccount/leaving.html", context)
    page["Cache-Control"] = "no-store"
    return page


def callback(request: HttpRequest) -> HttpResponse:
    """Check what the provider answers, and sign in."""
    return _answer(request, OAuth2CallbackView)


def _answer(request: HttpRequest, view: type[OAuth2View]) -> HttpResponse:
    """Answer with a page that says so where the provider does not answer as documented."""
    adapter = openid.Adapter(request, openid.PROVIDER)
    try:
        response: HttpResponse = view.adapter_view(adapter)(request)
    except OAuth2Error as error:
        provider = adapter.get_provider()
        response = render_authentication_error(request, provider, exception=error)
    return response
