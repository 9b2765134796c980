"""Private parts of allauth's OAuth provider that Firstlight depends on.

No other module of ours uses them, and a test fails when allauth changes one. The page of consent
keeps what an app asked for in `_request_info`, of which it shows only the client. The exchange of a
code is inside a transaction, although the code is in the cache.
"""

from typing import Any

from allauth.idp.oidc.views import AuthorizationView, TokenView
from django.http import HttpRequest, HttpResponse


class OpenAuthorizationView(AuthorizationView):  # type: ignore[misc]
    """allauth's page of consent, which says where its answer leads and for what a token will be."""

    @property
    def resource(self) -> str:
        """What a token is for, whatever the app names."""
        raise NotImplementedError

    @property
    def redirect_uri(self) -> str:
        return str(self._request_info["redirect_uri"])

    def get_initial(self) -> dict[str, Any]:
        self._request_info["resources"] = [self.resource]
        initial: dict[str, Any] = super().get_initial()
        return initial


class OpenTokenView(TokenView):  # type: ignore[misc]
    """allauth's exchange of codes and refresh tokens, with no cache asked inside a transaction."""

    def post(self, request: HttpRequest) -> HttpResponse:
        exchange = super().post
        if request.POST.get("grant_type") != "refresh_token":
            # Reads the code from the cache, and writes all tokens in one statement.
            exchange = TokenView.post.__wrapped__.__get__(self)
        response: HttpResponse = exchange(request)
        return response
