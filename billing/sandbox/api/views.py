"""Stripe's API under /sandbox/stripe/v1: one view for each URL.

It has one API version and one account, the one of STRIPE_SECRET_KEY.
Source: docs.stripe.com/api and the services of stripe-python 16.1.0.
"""

from django.http import HttpRequest, HttpResponseBase, JsonResponse

from billing.sandbox import checkout, database, refunds
from billing.sandbox.api import parameters
from billing.sandbox.api.endpoint import api_path, endpoint, unknown_url
from billing.sandbox.api.operations import execute, find, list_objects, retrieve
from billing.sandbox.database import Database, Json
from billing.sandbox.objects.lists import list_object


@endpoint
def sessions(request: HttpRequest, request_id: str) -> HttpResponseBase:
    if request.method == "POST":
        read = parameters.CREATE_SESSION
        return execute(request, request_id, "sessions", read, checkout.create)
    return list_objects(request, "sessions.list", "checkout.session")


@endpoint
def session(request: HttpRequest, request_id: str, session_id: str) -> HttpResponseBase:
    return retrieve(request, "session", "checkout.session", session_id)


@endpoint
def session_expire(request: HttpRequest, request_id: str, session_id: str) -> HttpResponseBase:
    def run(db: Database, order: Json) -> Json:
        find(db, "checkout.session", session_id)
        return checkout.expire(db, session_id)

    if request.method != "POST":
        raise unknown_url(request)
    return execute(request, request_id, "session.expire", parameters.ONLY_EXPAND, run)


@endpoint
def line_items(request: HttpRequest, request_id: str, session_id: str) -> HttpResponseBase:
    if request.method != "GET":
        raise unknown_url(request)
    with database.reading() as db:
        find(db, "checkout.session", session_id)
        return JsonResponse(list_object(api_path(request), db.children("item", session_id)))


@endpoint
def refund_list(request: HttpRequest, request_id: str) -> HttpResponseBase:
    if request.method == "POST":
        read = parameters.CREATE_REFUND
        return execute(request, request_id, "refunds", read, refunds.create)
    return list_objects(request, "refunds.list", "refund")


@endpoint
def refund(request: HttpRequest, request_id: str, refund_id: str) -> HttpResponseBase:
    def run(db: Database, order: Json) -> Json:
        find(db, "refund", refund_id)
        return refunds.update(db, refund_id, order)

    if request.method == "POST":
        return execute(request, request_id, "refund.update", parameters.UPDATE, run)
    return retrieve(request, "refund", "refund", refund_id)


@endpoint
def payment_intents(request: HttpRequest, request_id: str) -> HttpResponseBase:
    return list_objects(request, "payment_intent", "payment_intent")


@endpoint
def payment_intent(request: HttpRequest, request_id: str, intent_id: str) -> HttpResponseBase:
    return retrieve(request, "payment_intent", "payment_intent", intent_id)


@endpoint
def charges(request: HttpRequest, request_id: str) -> HttpResponseBase:
    return list_objects(request, "charge", "charge")


@endpoint
def charge(request: HttpRequest, request_id: str, charge_id: str) -> HttpResponseBase:
    return retrieve(request, "charge", "charge", charge_id)


@endpoint
def dispute_list(request: HttpRequest, request_id: str) -> HttpResponseBase:
    return list_objects(request, "dispute", "dispute")


@endpoint
def dispute(request: HttpRequest, request_id: str, dispute_id: str) -> HttpResponseBase:
    return retrieve(request, "dispute", "dispute", dispute_id)


@endpoint
def events(request: HttpRequest, request_id: str) -> HttpResponseBase:
    return list_objects(request, "events.list", "event")


@endpoint
def event(request: HttpRequest, request_id: str, event_id: str) -> HttpResponseBase:
    return retrieve(request, "event", "event", event_id)


@endpoint
def unknown(request: HttpRequest, request_id: str) -> HttpResponseBase:
    raise unknown_url(request)
