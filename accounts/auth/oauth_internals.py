"""Private parts of allauth's OAuth provider that Firstlight depends on.

No other module of ours uses them, and a test fails when allauth changes one. The page of consent
keeps what an app asked for in `_request_info`, of which it shows only the client. The exchange of a
code is inside a transaction, although the code is in the cache. Neither exchange keeps a second one
of the same code or token from running at the same moment.
"""

from typing import Any

from allauth.idp.oidc import app_settings
from allauth.idp.oidc.internal.oauthlib import authorization_codes
from allauth.idp.oidc.models import Token
from allauth.idp.oidc.views import AuthorizationView, TokenView
from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse


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
    """allauth's exchange of codes and refresh tokens, each of which can be used once."""

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("grant_type") == "refresh_token":
            return self._refresh(request)
        return self._exchange_code(request)

    def _refresh(self, request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            # Whoever comes second waits for this row, and finds it gone.
            rows = Token.objects.by_value(request.POST.get("refresh_token", ""))
            list(rows.select_for_update().values_list("pk"))
            response: HttpResponse = super().post(request)
        return response

    def _exchange_code(self, request: HttpRequest) -> HttpResponse:
        names = request.POST.get("client_id", ""), request.POST.get("code", "")
        taken = f"{authorization_codes.cache_key(*names)}.taken"
        seconds = app_settings.AUTHORIZATION_CODE_EXPIRES_IN
        is_known = authorization_codes.lookup(*names) is not None
        if is_known and not cache.add(taken, True, seconds):
            return JsonResponse({"error": "invalid_grant"}, status=400)
        # Without its transaction: it reads the cache, and writes all tokens in one statement.
        response: HttpResponse = TokenView.post.__wrapped__(self, request)
        if is_known and response.status_code >= 400:
            cache.delete(taken)  # an app may repeat what it got wrong
        return response
