"""JSON read strictly: infinite numbers and numbers too long to keep are errors."""

import json
import math
from typing import Any

MAX_DIGITS = 20


def loads(text: str | bytes, *, unique_keys: bool = False) -> Any:
    """Return the value of a JSON text.

    Raises ValueError for a number that is not finite or has more than MAX_DIGITS digits, and with
    `unique_keys` for an object that has a key twice; RecursionError for one nested too deep.
    """
    return json.loads(
        text,
        object_pairs_hook=_object_with_unique_keys if unique_keys else None,
        parse_int=_integer,
        parse_float=_finite_number,
        parse_constant=_finite_number,
    )


def _object_with_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a key twice")
    return found


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("a number is too long")
    return int(text)


def _finite_number(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError("a number is not finite")
    return found
