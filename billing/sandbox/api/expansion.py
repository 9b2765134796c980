"""The `expand` parameter: objects in place of their ids."""

from typing import Any

from billing.sandbox.database import Database, Json
from billing.sandbox.errors import ApiError
from billing.sandbox.objects.lists import list_object

EXPANDABLE = {
    "checkout.session": {"line_items", "payment_intent"},
    "payment_intent": {"latest_charge"},
    "charge": {"payment_intent", "refunds"},
    "refund": {"charge", "payment_intent"},
    "dispute": {"charge", "payment_intent"},
    "event": set[str](),
}


def expand(db: Database, body: Json, paths: list[str]) -> Json:
    """Replace the ids at the paths in `body` by their objects. Raises ApiError 400."""
    for path in paths:
        _expand(db, body, path, path)
    return body


def _expand(db: Database, body: Json, path: str, whole: str) -> None:
    name, _, rest = path.partition(".")
    if body["object"] == "list" and name == "data" and rest:
        for each in body["data"]:
            _expand(db, each, rest, whole)
        return
    if name not in EXPANDABLE.get(body["object"], ()):
        raise ApiError(400, f"This property cannot be expanded ({whole}).", param="expand")
    body[name] = value = _related(db, body, name)
    if rest and value is not None:
        _expand(db, value, rest, whole)


def _related(db: Database, body: Json, name: str) -> Any:
    if name == "line_items":
        url = f"/v1/checkout/sessions/{body['id']}/line_items"
        return list_object(url, db.children("item", body["id"]))
    if name == "refunds":
        mine = [
            refund
            for refund in db.children("refund", body["payment_intent"])
            if refund["charge"] == body["id"]
        ]
        return list_object(f"/v1/charges/{body['id']}/refunds", mine[::-1])
    value = body[name]
    return db.find_any(value) if isinstance(value, str) else value
