"""Lists with Stripe's cursors and filters."""

import itertools
from collections.abc import Iterator

from billing.sandbox.database import Database, Json
from billing.sandbox.errors import ApiError, no_such_object
from billing.sandbox.objects.lists import list_object

LIMIT = 10
_COMPARE = {
    "gt": int.__gt__,
    "gte": int.__ge__,
    "lt": int.__lt__,
    "lte": int.__le__,
}


def page(db: Database, kind: str, url: str, wanted: Json) -> Json:
    """Return the newest objects first, from beyond the one named by a cursor."""
    limit = wanted.get("limit", LIMIT)
    if "starting_after" in wanted and "ending_before" in wanted:
        raise ApiError(400, "You can only use one of starting_after and ending_before.")
    if "ending_before" in wanted:
        start = _position(db, kind, wanted["ending_before"], "ending_before")
        found = _matching(db.oldest(kind, above=start), wanted)
    elif "starting_after" in wanted:
        start = _position(db, kind, wanted["starting_after"], "starting_after")
        found = _matching(db.newest(kind, below=start), wanted)
    else:
        found = _matching(db.newest(kind), wanted)
    data = list(itertools.islice(found, limit + 1))
    has_more, data = len(data) > limit, data[:limit]
    if "ending_before" in wanted:
        data.reverse()
    return list_object(url, data, has_more=has_more)


def _position(db: Database, kind: str, object_id: str, param: str) -> int:
    position = db.position(kind, object_id)
    if position is None:
        raise no_such_object(kind, object_id, param)
    return position


def _matching(objects: Iterator[Json], wanted: Json) -> Iterator[Json]:
    same = {name: wanted[name] for name in ("charge", "payment_intent", "status") if name in wanted}
    types = wanted.get("types") or ([wanted["type"]] if "type" in wanted else None)
    between = wanted.get("created", {})
    for each in objects:
        if any(each[name] != value for name, value in same.items()):
            continue
        if types and not any(_is_type(each["type"], wanted_type) for wanted_type in types):
            continue
        if all(_COMPARE[name](each["created"], value) for name, value in between.items()):
            yield each


def _is_type(type_: str, wanted: str) -> bool:
    """Compare event types; `charge.*` stands for all that begin with `charge.`."""
    return type_.startswith(wanted[:-1]) if wanted.endswith("*") else type_ == wanted
