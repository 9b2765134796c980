"""The stand-in's HTTP door: Stripe's API under /sandbox/stripe/v1, as plain Django views.

It speaks one API version and knows one account, the one STRIPE_SECRET_KEY opens.
Source: docs.stripe.com/api and the services of stripe-python 16.1.0.
"""

import base64
import binascii
import functools
import hmac
import json
import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from billing.sandbox import (
    checkout,
    database,
    faults,
    idempotency,
    lists,
    objects,
    parameters,
    refunds,
    request_parsing,
    scheduler,
)
from billing.sandbox.database import API_VERSION, Books, Json, new_id
from billing.sandbox.idempotency import Answer
from billing.sandbox.request_parsing import Reader, Refused
from config.lib.sandbox import connections

log = logging.getLogger(__name__)

View = Callable[..., HttpResponseBase]
Work = Callable[[Books, Json], Json]


def door(view: View) -> View:
    """Give a view the API's manners: the key, the error body, the request id."""

    @csrf_exempt
    @functools.wraps(view)
    def answer(request: HttpRequest, **ids: str) -> HttpResponseBase:
        request_id = new_id("req")
        try:
            _authenticate(request)
            scheduler.turn()
            response = view(request, request_id=request_id, **ids)
        except Refused as refused:
            response = JsonResponse({"error": refused.error}, status=refused.status)
        except Exception:
            log.exception("sandbox request failed")
            error = {"message": "An unknown error occurred.", "type": "api_error"}
            response = JsonResponse({"error": error}, status=500)
        response["Request-Id"] = request_id
        response["Stripe-Version"] = API_VERSION
        return response

    return answer


@door
def sessions(request: HttpRequest, request_id: str) -> HttpResponseBase:
    if request.method == "POST":
        read = parameters.CREATE_SESSION
        return _post(request, request_id, "sessions", read, checkout.create)
    return _list(request, "sessions.list", "checkout.session")


@door
def session(request: HttpRequest, request_id: str, session_id: str) -> HttpResponseBase:
    return _get(request, "session", "checkout.session", session_id)


@door
def session_expire(request: HttpRequest, request_id: str, session_id: str) -> HttpResponseBase:
    def work(desk: Books, order: Json) -> Json:
        _find(desk, "checkout.session", session_id)
        return checkout.expire(desk, session_id)

    if request.method != "POST":
        raise _unrecognized(request)
    return _post(request, request_id, "session.expire", parameters.ONLY_EXPAND, work)


@door
def line_items(request: HttpRequest, request_id: str, session_id: str) -> HttpResponseBase:
    if request.method != "GET":
        raise _unrecognized(request)
    with database.reading() as desk:
        _find(desk, "checkout.session", session_id)
        return JsonResponse(objects.page(_path(request), desk.children("item", session_id)))


@door
def refund_list(request: HttpRequest, request_id: str) -> HttpResponseBase:
    if request.method == "POST":
        read = parameters.CREATE_REFUND
        return _post(request, request_id, "refunds", read, refunds.create)
    return _list(request, "refunds.list", "refund")


@door
def refund(request: HttpRequest, request_id: str, refund_id: str) -> HttpResponseBase:
    def work(desk: Books, order: Json) -> Json:
        _find(desk, "refund", refund_id)
        return refunds.update(desk, refund_id, order)

    if request.method == "POST":
        return _post(request, request_id, "refund.update", parameters.UPDATE, work)
    return _get(request, "refund", "refund", refund_id)


@door
def payment_intents(request: HttpRequest, request_id: str) -> HttpResponseBase:
    return _list(request, "payment_intent", "payment_intent")


@door
def payment_intent(request: HttpRequest, request_id: str, intent_id: str) -> HttpResponseBase:
    return _get(request, "payment_intent", "payment_intent", intent_id)


@door
def charges(request: HttpRequest, request_id: str) -> HttpResponseBase:
    return _list(request, "charge", "charge")


@door
def charge(request: HttpRequest, request_id: str, charge_id: str) -> HttpResponseBase:
    return _get(request, "charge", "charge", charge_id)


@door
def dispute_list(request: HttpRequest, request_id: str) -> HttpResponseBase:
    return _list(request, "dispute", "dispute")


@door
def dispute(request: HttpRequest, request_id: str, dispute_id: str) -> HttpResponseBase:
    return _get(request, "dispute", "dispute", dispute_id)


@door
def events(request: HttpRequest, request_id: str) -> HttpResponseBase:
    return _list(request, "events.list", "event")


@door
def event(request: HttpRequest, request_id: str, event_id: str) -> HttpResponseBase:
    return _get(request, "event", "event", event_id)


@door
def unknown(request: HttpRequest, request_id: str) -> HttpResponseBase:
    raise _unrecognized(request)


def _authenticate(request: HttpRequest) -> None:
    """Check the secret key, sent as a bearer token or as the user of basic authentication."""
    scheme, _, words = request.headers.get("Authorization", "").partition(" ")
    key = words.strip() if scheme.lower() == "bearer" else ""
    if scheme.lower() == "basic":
        try:
            key = base64.b64decode(words, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    if not key:
        raise Refused(401, "You did not provide an API key.")
    if not hmac.compare_digest(key.encode(), settings.STRIPE_SECRET_KEY.encode()):
        raise Refused(401, f"Invalid API Key provided: {key[:7]}****")
    if key.startswith(("sk_live_", "rk_live_")):
        raise Refused(401, "The sandbox takes no live keys.")


def _path(request: HttpRequest) -> str:
    """Return the address as Stripe knows it, without what stands before /v1."""
    return "/v1" + request.path.partition("/v1")[2]


def _unrecognized(request: HttpRequest) -> Refused:
    return Refused(404, f"Unrecognized request URL ({request.method}: {_path(request)[:200]}).")


def _find(desk: Books, kind: str, thing_id: str) -> Json:
    body = desk.find(kind, thing_id)
    if body is None:
        raise lists.missing(kind, thing_id)
    return body


def _strike(route: str) -> str:
    """Return the fault that waits for this call, "" for none."""
    with database.reading() as desk:
        if not faults.pending(desk):
            return ""
    with database.writing() as desk:
        return faults.strike(desk, route) or ""


def _get(request: HttpRequest, route: str, kind: str, thing_id: str) -> HttpResponseBase:
    def look(desk: Books, wanted: Json) -> Json:
        return _find(desk, kind, thing_id)

    return _look(request, route, parameters.ONLY_EXPAND, look)


def _list(request: HttpRequest, route: str, kind: str) -> HttpResponseBase:
    def look(desk: Books, wanted: Json) -> Json:
        return lists.page(desk, kind, _path(request), wanted)

    return _look(request, route, parameters.LISTS[kind], look)


def _look(request: HttpRequest, route: str, read: Reader, look: Work) -> HttpResponseBase:
    if request.method != "GET":
        raise _unrecognized(request)
    fault = _strike(route)
    if refusal := faults.refusal(fault):
        raise refusal
    wanted = read("", request_parsing.unfold(request.META.get("QUERY_STRING", "")))
    with database.reading() as desk:
        body = lists.expand(desk, look(desk, wanted), wanted.get("expand", []))
    return _misfortune(request, fault, json.dumps(body)) or JsonResponse(body)


def _post(
    request: HttpRequest, request_id: str, route: str, read: Reader, work: Work
) -> HttpResponseBase:
    """Carry out a request once per idempotency key, with the misfortune that waits for it."""
    key = request.headers.get("Idempotency-Key") or None
    idempotency.check(key)
    raw = request_parsing.unfold_body(request)
    fault = _strike(route)
    if fault == "drop_before":
        return connections.close(request)
    if fault != "500_after" and (refusal := faults.refusal(fault)):
        raise refusal
    mark = idempotency.fingerprint("POST", request.path, raw)
    with database.writing(request_id, key) as desk:
        answer = idempotency.recall(desk, mark)
        if answer is None:
            answer = _carry_out(desk, read("", raw), work, fault)
            idempotency.keep(desk, mark, answer)
    return _misfortune(request, fault, answer.body) or _respond(answer, key)


def _carry_out(desk: Books, order: Json, work: Work, fault: str) -> Answer:
    """Do the work. Raises Refused for what leaves no trace; other refusals are answers, too."""
    assert desk.request_id is not None
    try:
        body: Json = lists.expand(desk, work(desk, order), order.get("expand", []))
        status = 200
    except Refused as refused:
        if not refused.executed:
            raise
        status, body = refused.status, {"error": refused.error}
    if fault == "500_after" and (lost := faults.refusal(fault)):
        status, body = lost.status, {"error": lost.error}
    return Answer(status, json.dumps(body), desk.request_id)


def _misfortune(request: HttpRequest, fault: str, body: str) -> HttpResponseBase | None:
    if fault in ("drop_before", "drop_after"):
        return connections.close(request)
    if fault == "cut":
        return connections.truncate(request, body[: len(body) // 2].encode())
    return None


def _respond(answer: Answer, key: str | None) -> HttpResponse:
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json")
    headers: dict[str, Any] = {"Original-Request": answer.request_id}
    if key is not None:
        headers["Idempotency-Key"] = key
    if answer.replayed:
        headers["Idempotent-Replayed"] = "true"
    for name, value in headers.items():
        response[name] = value
    return response
