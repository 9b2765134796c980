"""Retrieving, listing and executing requests, with the faults queued for them."""

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse

from billing.sandbox import database, faults
from billing.sandbox.api import expansion, form_encoding, idempotency, lists, parameters
from billing.sandbox.api.endpoint import api_path, unknown_url
from billing.sandbox.api.idempotency import StoredResponse
from billing.sandbox.api.readers import Reader
from billing.sandbox.database import Database, Json
from billing.sandbox.errors import ApiError, no_such_object
from config.lib.sandbox import connections

Operation = Callable[[Database, Json], Json]


def find(db: Database, kind: str, object_id: str) -> Json:
    body = db.find(kind, object_id)
    if body is None:
        raise no_such_object(kind, object_id)
    return body


def _take_fault(route: str) -> str:
    """Return the fault queued for this call, "" for none."""
    with database.reading() as db:
        if not faults.pending(db):
            return ""
    with database.writing() as db:
        return faults.take(db, route) or ""


def retrieve(request: HttpRequest, route: str, kind: str, object_id: str) -> HttpResponseBase:
    def read_objects(db: Database, query: Json) -> Json:
        return find(db, kind, object_id)

    return _read(request, route, parameters.ONLY_EXPAND, read_objects)


def list_objects(request: HttpRequest, route: str, kind: str) -> HttpResponseBase:
    def read_objects(db: Database, query: Json) -> Json:
        return lists.page(db, kind, api_path(request), query)

    return _read(request, route, parameters.LISTS[kind], read_objects)


def _read(
    request: HttpRequest, route: str, parse: Reader, read_objects: Operation
) -> HttpResponseBase:
    if request.method != "GET":
        raise unknown_url(request)
    fault = _take_fault(route)
    if error := faults.error_of(fault):
        raise error
    query = parse("", form_encoding.parse(request.META.get("QUERY_STRING", "")))
    with database.reading() as db:
        body = expansion.expand(db, read_objects(db, query), query.get("expand", []))
    return _broken_response(request, fault, json.dumps(body)) or JsonResponse(body)


def execute(
    request: HttpRequest, request_id: str, route: str, parse: Reader, operation: Operation
) -> HttpResponseBase:
    """Execute a request once per idempotency key, with the fault queued for it. Raises ApiError."""
    key = request.headers.get("Idempotency-Key") or None
    idempotency.check(key)
    raw = form_encoding.parse_body(request)
    fault = _take_fault(route)
    if fault == "drop_before":
        return connections.close(request)
    if fault != "500_after" and (error := faults.error_of(fault)):
        raise error
    digest = idempotency.fingerprint("POST", request.path, raw)
    with database.writing(request_id, key) as db:
        stored = idempotency.find_response(db, digest)
        if stored is None:
            stored = _execute(db, parse("", raw), operation, fault)
            idempotency.store_response(db, digest, stored)
    return _broken_response(request, fault, stored.body) or _respond(stored, key)


def _execute(db: Database, order: Json, operation: Operation, fault: str) -> StoredResponse:
    """Run the operation; an error of an executed request is a response. Raises the others."""
    assert db.request_id is not None
    try:
        body: Json = expansion.expand(db, operation(db, order), order.get("expand", []))
        status = 200
    except ApiError as error:
        if not error.executed:
            raise
        status, body = error.status, {"error": error.error}
    if fault == "500_after" and (lost := faults.error_of(fault)):
        status, body = lost.status, {"error": lost.error}
    return StoredResponse(status, json.dumps(body), db.request_id)


def _broken_response(request: HttpRequest, fault: str, body: str) -> HttpResponseBase | None:
    if fault in ("drop_before", "drop_after"):
        return connections.close(request)
    if fault == "cut":
        return connections.truncate(request, body[: len(body) // 2].encode())
    return None


def _respond(stored: StoredResponse, key: str | None) -> HttpResponse:
    response = HttpResponse(stored.body, status=stored.status, content_type="application/json")
    headers: dict[str, Any] = {"Original-Request": stored.request_id}
    if key is not None:
        headers["Idempotency-Key"] = key
    if stored.replayed:
        headers["Idempotent-Replayed"] = "true"
    for name, value in headers.items():
        response[name] = value
    return response
