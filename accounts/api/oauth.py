"""OAuth for agents, as programs call it: discovery, registration, tokens and revocation.

The answers are those of RFC 8414, 9728, 7591, 6749 and 7009, not those of the JSON API.
"""

import json
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from accounts.auth import oauth, oauth_clients
from accounts.auth.oauth_internals import OpenTokenView
from config.lib import rate_limits
from config.lib.rate_limits import Rate, TooManyAttempts

_exchange: Any = OpenTokenView.as_view()
R = TypeVar("R", bound=HttpResponse)
# How many clients one address may register: hosted agents share few addresses.
REGISTRATIONS = Rate(60, 3600)


@require_safe
def protected_resource(request: HttpRequest) -> JsonResponse:
    """Say who issues tokens for /mcp."""
    return _public(
        {
            "resource": oauth.resource(),
            "resource_name": settings.SITE_NAME,
            "authorization_servers": [settings.BASE_URL],
            "scopes_supported": list(oauth.SCOPES),
            "bearer_methods_supported": ["header"],
            "resource_documentation": _absolute("llms"),
        }
    )


@require_safe
def authorization_server(request: HttpRequest) -> JsonResponse:
    """Describe the addresses and abilities of the issuer."""
    return _public(
        {
            "issuer": settings.BASE_URL,
            "authorization_endpoint": _absolute("idp:oidc:authorization"),
            "token_endpoint": _absolute("idp:oidc:token"),
            "registration_endpoint": _absolute("idp:oidc:client_registration"),
            "revocation_endpoint": _absolute("idp:oidc:revoke"),
            "scopes_supported": list(oauth.SCOPES),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
        }
    )


@csrf_exempt
@require_POST
def register(request: HttpRequest) -> JsonResponse:
    """Register a client."""
    try:
        rate_limits.check(f"oauth-register:{rate_limits.network_of(request)}", REGISTRATIONS)
        asked = oauth_clients.read_metadata(_json_of(request))
        client = oauth.register(asked.name, asked.redirect_uris, asked.scopes)
    except TooManyAttempts as refusal:
        return _too_many(refusal)
    except oauth_clients.BadMetadata as error:
        return _error(400, error.code, str(error))
    except oauth.TooManyClients:
        return _error(503, "temporarily_unavailable", "Try again later.")
    body = {
        "client_id": client.pk,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "client_name": client.name,
        "redirect_uris": asked.redirect_uris,
        "scope": " ".join(asked.scopes),
        "grant_types": client.get_grant_types(),
        "response_types": client.get_response_types(),
        "token_endpoint_auth_method": "none",
    }
    return _kept_private(JsonResponse(body, status=201))


@csrf_exempt
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """Exchange a code or a refresh token. Attempts that fail are counted by address."""
    response: HttpResponse
    if not oauth_clients.is_readable(request.POST):
        text = "A parameter has characters that OAuth does not allow."
        response = _error(400, "invalid_request", text)
    elif not oauth_clients.names_our_resource(request.POST):
        response = _error(400, "invalid_target", f"The only resource here is {oauth.resource()}.")
    else:
        response = _exchange(request)
    if response.status_code >= 400:
        network = rate_limits.network_of(request)
        try:
            rate_limits.check(f"anonymous:{network}", Rate(*settings.RATE_ANONYMOUS))
        except TooManyAttempts as refusal:
            response = _too_many(refusal)
    return _kept_private(response)


@csrf_exempt
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """End a token; the answer is the same for one that is unknown."""
    oauth.revoke(request.POST.get("token", ""))
    return _kept_private(HttpResponse())


def _json_of(request: HttpRequest) -> Any:
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError, RequestDataTooBig):
        return None


def _absolute(name: str) -> str:
    return f"{settings.BASE_URL}{reverse(name)}"


def _public(body: dict[str, Any]) -> JsonResponse:
    """An answer that pages of any origin may read: it holds nothing of a user."""
    return JsonResponse(
        body, headers={"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
    )


def _error(status: int, code: str, text: str) -> JsonResponse:
    return JsonResponse({"error": code, "error_description": text}, status=status)


def _too_many(refusal: TooManyAttempts) -> JsonResponse:
    response = _error(429, "temporarily_unavailable", "Too many requests.")
    response.headers["Retry-After"] = str(refusal.wait)
    return response


def _kept_private(response: R) -> R:
    response.headers["Cache-Control"] = "no-store"
    return response
