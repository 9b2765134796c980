"""Lists with Stripe's cursors, and objects in the place of their ids on request."""

import itertools
from collections.abc import Iterator
from typing import Any

from billing.sandbox import objects
from billing.sandbox.database import Books, Json
from billing.sandbox.request_parsing import Refused

LIMIT = 10
EXPANDABLE = {
    "checkout.session": {"line_items", "payment_intent"},
    "payment_intent": {"latest_charge"},
    "charge": {"payment_intent", "refunds"},
    "refund": {"charge", "payment_intent"},
    "dispute": {"charge", "payment_intent"},
    "event": set[str](),
}
_COMPARE = {
    "gt": int.__gt__,
    "gte": int.__ge__,
    "lt": int.__lt__,
    "lte": int.__le__,
}


def page(books: Books, kind: str, url: str, wanted: Json) -> Json:
    """Return the newest things first, from beyond the one named by a cursor."""
    limit = wanted.get("limit", LIMIT)
    if "starting_after" in wanted and "ending_before" in wanted:
        raise Refused(400, "You can only use one of starting_after and ending_before.")
    if "ending_before" in wanted:
        start = _position(books, kind, wanted["ending_before"], "ending_before")
        found = _matching(books.oldest(kind, above=start), wanted)
    elif "starting_after" in wanted:
        start = _position(books, kind, wanted["starting_after"], "starting_after")
        found = _matching(books.newest(kind, below=start), wanted)
    else:
        found = _matching(books.newest(kind), wanted)
    data = list(itertools.islice(found, limit + 1))
    has_more, data = len(data) > limit, data[:limit]
    if "ending_before" in wanted:
        data.reverse()
    return objects.page(url, data, has_more=has_more)


def _position(books: Books, kind: str, thing_id: str, param: str) -> int:
    position = books.position(kind, thing_id)
    if position is None:
        raise missing(kind, thing_id, param)
    return position


def missing(kind: str, thing_id: str, param: str = "id") -> Refused:
    """Return the refusal of an id nobody has: 404 for the address, 400 for a parameter."""
    return Refused(
        404 if param == "id" else 400,
        f"No such {kind}: '{thing_id[:100]}'",
        code="resource_missing",
        param=param,
    )


def _matching(things: Iterator[Json], wanted: Json) -> Iterator[Json]:
    same = {name: wanted[name] for name in ("charge", "payment_intent", "status") if name in wanted}
    types = wanted.get("types") or ([wanted["type"]] if "type" in wanted else None)
    between = wanted.get("created", {})
    for thing in things:
        if any(thing[name] != value for name, value in same.items()):
            continue
        if types and not any(_is_type(thing["type"], each) for each in types):
            continue
        if all(_COMPARE[name](thing["created"], value) for name, value in between.items()):
            yield thing


def _is_type(type_: str, wanted: str) -> bool:
    """Compare event types; `charge.*` stands for all that begin so."""
    return type_.startswith(wanted[:-1]) if wanted.endswith("*") else type_ == wanted


def expand(books: Books, body: Json, paths: list[str]) -> Json:
    for path in paths:
        _expand(books, body, path, path)
    return body


def _expand(books: Books, body: Json, path: str, whole: str) -> None:
    name, _, rest = path.partition(".")
    if body["object"] == "list" and name == "data" and rest:
        for each in body["data"]:
            _expand(books, each, rest, whole)
        return
    if name not in EXPANDABLE.get(body["object"], ()):
        raise Refused(400, f"This property cannot be expanded ({whole}).", param="expand")
    body[name] = value = _related(books, body, name)
    if rest and value is not None:
        _expand(books, value, rest, whole)


def _related(books: Books, body: Json, name: str) -> Any:
    if name == "line_items":
        url = f"/v1/checkout/sessions/{body['id']}/line_items"
        return objects.page(url, books.children("item", body["id"]))
    if name == "refunds":
        mine = [
            refund
            for refund in books.children("refund", body["payment_intent"])
            if refund["charge"] == body["id"]
        ]
        return objects.page(f"/v1/charges/{body['id']}/refunds", mine[::-1])
    value = body[name]
    return books.find_any(value) if isinstance(value, str) else value
