"""Domain errors as HTTP answers, for all apps. Under /api every error is JSON with `detail`.

Under /v1 the same answers are in the words of OpenAI.
"""

import re
import sys
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.exceptions import DisallowedHost, RequestDataTooBig
from django.db import OperationalError
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    JsonResponse,
)
from django.shortcuts import render
from django.urls import is_valid_path
from django.utils.http import escape_leading_slashes
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, requires_csrf_token
from rest_framework import exceptions
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from accounts.auth.api_keys import TooManyKeys
from accounts.auth.errors import AddressNotAllowed, BadCredentials, NameTaken, NoPassword
from accounts.auth.fresh_sign_in import SignInAgain
from accounts.auth.second_factor import CodeNeeded
from accounts.people import google, identities
from accounts.people.admission import AddressNotAdmitted, InvitationNeeded, SignUpClosed
from accounts.people.profile import BadProfile
from billing.ledger.credits import NotEnoughCredits, UnknownType
from billing.payments.checkout import BadReturnUrl, StripeUnavailable
from billing.payments.packages import UnknownPackage
from billing.payments.refunds import NotRefundable
from billing.referrals.switch import ReferralsOff
from billing.switch import BillingOff
from config.api import openai_errors, throttling
from config.lib.api import envelope, field_errors
from config.lib.api.pagination import OffsetAndAfter
from config.lib.idempotency import BadIdempotencyKey, IdempotencyMismatch
from config.lib.rate_limits import TooManyAttempts
from showcase.gallery import NotOpen, NotReady
from videos.api.gateway.models import ModelNotFound
from videos.catalog.offers import NotOffered
from videos.credentials import verification
from videos.editing.exports.orders import TooManyExports
from videos.editing.jobs import TooManyEdits
from videos.editing.recipes import NotEditable
from videos.jobs.cancellation import TooManyCancellations
from videos.jobs.key_limits import KeyLimitReached
from videos.jobs.moderation import ContentRefused, NoVerdict
from videos.jobs.money.quotes import InvalidQuote
from videos.jobs.orders import PriceChanged
from videos.jobs.state_machine import NotPossible
from videos.media.engine_files import EngineAway, EngineRefuses, FileExpired
from videos.media.frames import NoFrame
from videos.media.upload_checks import BadFile, BadImage, TooLarge
from videos.media.upload_urls import BadImageUrl
from videos.media.uploads import QuotaFull
from videos.prompts.improvement import HelpIsOff, NotImproved
from videos.prompts.saved import TooManySaved
from videos.realtime.limits import TooManyConnections
from videos.reviews.links import TooManyLinks, UnusableLink
from videos.storyboards.boards import TooManyBoards
from videos.storyboards.shots import TooManyShots
from videos.webhooks.deliveries import NotRedeliverable, TooOften
from videos.webhooks.endpoints import TooManyEndpoints, UnusableUrl

# The value of a Host header: a name or an address, and perhaps a port.
HOST = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
# The status and the `code` of each domain error.
STATUS_OF: dict[type[Exception], tuple[int, str]] = {
    BadCredentials: (401, "bad_credentials"),
    AddressNotAllowed: (403, "address_not_allowed"),
    BadIdempotencyKey: (400, "bad_idempotency_key"),
    IdempotencyMismatch: (409, "idempotency_mismatch"),
    identities.Refused: (403, "google_refused"),
    SignUpClosed: (403, "sign_up_closed"),
    InvitationNeeded: (403, "invitation_needed"),
    AddressNotAdmitted: (403, "address_not_admitted"),
    google.Unreachable: (500, "google_unreachable"),
    CodeNeeded: (401, "code_needed"),
    SignInAgain: (403, "sign_in_again"),
    TooManyAttempts: (429, "too_many_failures"),
    TooManyKeys: (400, "too_many_keys"),
    BadProfile: (400, "bad_profile"),
    NameTaken: (400, "taken"),
    NoPassword: (400, "no_password"),
    NotEnoughCredits: (402, "insufficient_credits"),
    ModelNotFound: (404, "model_not_found"),
    UnknownType: (400, "unknown_type"),
    NotOffered: (400, "not_offered"),
    KeyLimitReached: (403, "key_limit"),
    NotPossible: (400, "not_possible"),
    NotEditable: (400, "not_editable"),
    TooManyExports: (429, "too_many_exports"),
    NoFrame: (400, "no_frame"),
    TooManyBoards: (400, "too_many_storyboards"),
    TooManyShots: (400, "too_many_shots"),
    TooManyEdits: (429, "too_many_edits"),
    TooManyCancellations: (429, "too_many_cancellations"),
    PriceChanged: (409, "price_changed"),
    InvalidQuote: (400, "invalid_quote"),
    OffsetAndAfter: (400, "offset_and_after"),
    BadImage: (400, "bad_image"),
    BadFile: (400, "bad_file"),
    TooLarge: (413, "too_large"),
    verification.TooLarge: (413, "too_large"),
    verification.NotReadable: (400, "unreadable_file"),
    QuotaFull: (400, "quota_full"),
    BadImageUrl: (400, "bad_image_url"),
    NotRedeliverable: (400, "not_redeliverable"),
    TooOften: (429, "too_many_tests"),
    TooManyEndpoints: (400, "too_many_endpoints"),
    UnusableUrl: (400, "unusable_url"),
    TooManyLinks: (400, "too_many_links"),
    UnusableLink: (400, "unusable_link"),
    TooManyConnections: (429, "too_many_connections"),
    ContentRefused: (400, "moderation_blocked"),
    NoVerdict: (503, "moderation_unavailable"),
    BillingOff: (404, "billing_off"),
    ReferralsOff: (404, "referrals_off"),
    UnknownPackage: (400, "unknown_package"),
    BadReturnUrl: (400, "bad_return_url"),
    NotRefundable: (400, "not_refundable"),
    StripeUnavailable: (500, "payment_unreachable"),
    NotReady: (400, "not_ready"),
    NotOpen: (503, "showcase_unavailable"),
    FileExpired: (410, "file_expired"),
    EngineAway: (503, "engine_away"),
    HelpIsOff: (404, "prompt_help_off"),
    NotImproved: (503, "prompt_help_unavailable"),
    TooManySaved: (400, "too_many_prompts"),
    EngineRefuses: (502, "engine_refuses"),
}
DETAILS = {
    400: "Invalid parameters",
    403: "Permission denied",
    404: "Resource not found",
    405: "Method not allowed",
    413: "Payload too large",
    429: "Too many requests",
    500: "Internal server error",
    503: "Service unavailable",
}
# Addresses of programs, which have no slash at their end.
WITHOUT_SLASH = ("/api/", "/v1/", "/sandbox/")
# Domain errors that say in how many seconds to try again.
WITH_WAIT = (
    TooManyAttempts,
    TooManyCancellations,
    TooManyConnections,
    TooManyEdits,
    TooOften,
    EngineAway,
    EngineRefuses,
)
# When a client may try again, in seconds.
RETRY_AFTER = {429: "60", 503: "30"}


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the documented answer to an exception of a view, as DRF's EXCEPTION_HANDLER."""
    response = _answer_to(error, context)
    if response is not None and envelope.applies_to(context["request"].path):
        return openai_errors.translate(response)
    return response


def _answer_to(error: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(error, AddressNotAllowed):
        error = _counted(error, context["request"])
    kind = next((kind for kind in STATUS_OF if isinstance(error, kind)), None)
    if kind:
        set_rollback()
        return _domain_answer(error, *STATUS_OF[kind])
    if isinstance(error, RequestDataTooBig):
        set_rollback()
        return Response({"detail": DETAILS[413]}, status=413)
    if isinstance(error, exceptions.ValidationError):
        set_rollback()
        place = "query" if context["request"].method in {"GET", "HEAD"} else "body"
        errors = field_errors.of(error, place)
        return Response({"detail": errors}, status=422)
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        error = _counted(error, context["request"])
    response = exception_handler(error, context)
    if response is not None:
        response.data = {"detail": _detail_of(error, response)}
    return response


def _domain_answer(error: Exception, status_code: int, code: str) -> Response:
    body: dict[str, Any] = {"detail": str(error), "code": getattr(error, "code", code)}
    if status_code == 402:
        del body["code"]  # system C prints the whole body: C40
    if isinstance(error, NotOffered | BadProfile | KeyLimitReached | NotEditable):
        body["field"] = error.field
    if isinstance(error, PriceChanged):
        body["credits"] = error.credits
    headers = {"WWW-Authenticate": "Bearer"} if status_code == 401 else {}
    if isinstance(error, WITH_WAIT):
        headers["Retry-After"] = str(error.wait)
    return Response(body, status=status_code, headers=headers)


def _counted(error: Exception, request: Request) -> Exception:
    """Return the error of a call without a user, or Throttled when there were too many."""
    if hasattr(request._request, "rate_limit"):
        return error  # the view's throttle has counted it
    try:
        throttling.count_anonymous(request)
    except exceptions.Throttled as too_many:
        return too_many
    return error


def _detail_of(error: Exception, response: Response) -> str:
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        return "Not authenticated"
    if isinstance(error, Http404):
        return DETAILS[404]
    if isinstance(error, exceptions.Throttled):
        return f"Too many requests. Try again in {_time_in_words(int(response['Retry-After']))}."
    if isinstance(error, exceptions.ParseError):
        return "The body could not be read."
    return str(response.data.get("detail", DETAILS.get(response.status_code, "")))


def _time_in_words(seconds: int) -> str:
    """Return a time in seconds, or in whole minutes, rounded up, when it is longer than two."""
    return f"{seconds} seconds" if seconds <= 120 else f"{-(-seconds // 60)} minutes"


def _wants_json(request: HttpRequest) -> bool:
    return request.path.startswith(("/api/", "/health")) or envelope.applies_to(request.path)


def _json(request: HttpRequest, code: int, detail: str, headers: dict[str, str]) -> JsonResponse:
    in_envelope = envelope.applies_to(request.path)
    body = envelope.body(code, detail) if in_envelope else {"detail": detail}
    return JsonResponse(body, status=code, headers=headers)


def _error(request: HttpRequest, code: int) -> HttpResponse:
    headers = {"Retry-After": RETRY_AFTER[code]} if code in RETRY_AFTER else {}
    if _wants_json(request):
        return _json(request, code, DETAILS[code], headers)
    response = render(request, f"{code}.html", status=code)
    for name, value in headers.items():
        response[name] = value
    return response


@csrf_exempt
def api_not_found(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"detail": DETAILS[404]}, status=404)


@csrf_exempt
def gateway_not_found(request: HttpRequest) -> HttpResponse:
    return JsonResponse(envelope.unknown_url(str(request.method), request.path), status=404)


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, DisallowedHost) and not settings.PRODUCTION:
        return _unknown_host(request)
    return _error(request, 413 if isinstance(exception, RequestDataTooBig) else 400)


def _unknown_host(request: HttpRequest) -> HttpResponse:
    """Say which line of `.env` lets people open the site by this name, if it is one."""
    match = HOST.fullmatch(request.META.get("HTTP_HOST", ""))
    if not match:
        return _error(request, 400)
    host = match[1].lower()
    text = _("This server does not answer for the host %(host)s.") % {"host": host}
    line = f"ALLOWED_HOSTS={','.join(dict.fromkeys([*settings.ALLOWED_HOSTS, host]))}"
    if _wants_json(request):
        way_on = _("Add this line to .env and restart: %(line)s") % {"line": line}
        return _json(request, 400, f"{text} {way_on}", {})
    return render(request, "400.html", {"unknown_host": text, "line": line}, status=400)


@requires_csrf_token
def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _error(request, 403)


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404, or lead to the page whose address lacks only the slash at its end."""
    if request.method in {"GET", "HEAD"} and _lacks_slash(request.path_info):
        query = request.META.get("QUERY_STRING", "")
        path = escape_leading_slashes(quote(f"{request.path}/"))
        return HttpResponsePermanentRedirect(f"{path}?{query}" if query else path)
    return _error(request, 404)


def _lacks_slash(path: str) -> bool:
    is_for_programs = path.startswith(WITHOUT_SLASH)
    return not (is_for_programs or path.endswith("/")) and bool(is_valid_path(f"{path}/"))


@requires_csrf_token
def too_many(request: HttpRequest) -> HttpResponse:
    return _error(request, 429)


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 when the database cannot be reached, which passes, and 500 for any other error."""
    return _error(request, 503 if isinstance(sys.exc_info()[1], OperationalError) else 500)
