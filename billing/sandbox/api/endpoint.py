"""What every view of the API shares: authentication, error bodies, request ids."""

import base64
import binascii
import functools
import hmac
import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from billing.sandbox import timers
from billing.sandbox.database import API_VERSION, new_id
from billing.sandbox.errors import ApiError

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]


def endpoint(view: View) -> View:
    """Let a view require the key, answer errors with Stripe's body and carry a request id."""

    @csrf_exempt
    @functools.wraps(view)
    def handle(request: HttpRequest, **ids: str) -> HttpResponseBase:
        request_id = new_id("req")
        try:
            _authenticate(request)
            timers.run_due()
            response = view(request, request_id=request_id, **ids)
        except ApiError as error:
            response = JsonResponse({"error": error.error}, status=error.status)
        except Exception:
            log.exception("a request to the sandbox Stripe failed")
            body = {"message": "An unknown error occurred.", "type": "api_error"}
            response = JsonResponse({"error": body}, status=500)
        response["Request-Id"] = request_id
        response["Stripe-Version"] = API_VERSION
        return response

    return handle


def _authenticate(request: HttpRequest) -> None:
    """Check the secret key, sent as a bearer token or as the user of basic authentication."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    key = credentials.strip() if scheme.lower() == "bearer" else ""
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    if not key:
        raise ApiError(401, "You did not provide an API key.")
    if not hmac.compare_digest(key.encode(), settings.STRIPE_SECRET_KEY.encode()):
        raise ApiError(401, f"Invalid API Key provided: {key[:7]}****")
    if key.startswith(("sk_live_", "rk_live_")):
        raise ApiError(401, "The sandbox takes no live keys.")


def api_path(request: HttpRequest) -> str:
    """Return the path as at Stripe, without what stands before /v1."""
    return "/v1" + request.path.partition("/v1")[2]


def unknown_url(request: HttpRequest) -> ApiError:
    return ApiError(404, f"Unrecognized request URL ({request.method}: {api_path(request)[:200]}).")
