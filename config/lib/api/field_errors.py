"""Errors of fields in the documented shape, a list of `{loc, msg, type}`."""

from collections.abc import Iterator
from typing import Any

from rest_framework.exceptions import ValidationError

# DRF's code of a field error, and the `type` that the documented body has for it. Source: C41.
TYPE_OF = {
    "required": "value_error.missing",
    "null": "type_error.none.not_allowed",
    "blank": "value_error.any_str.min_length",
    "min_length": "value_error.any_str.min_length",
    "max_length": "value_error.any_str.max_length",
    "min_value": "value_error.number.not_ge",
    "max_value": "value_error.number.not_le",
    "invalid_choice": "value_error.const",
}


def of(error: ValidationError, *loc: str | int) -> list[dict[str, Any]]:
    """Return one `{loc, msg, type}` for each error; `loc` is where the details of `error` begin."""
    return list(_listed(error.get_full_details(), [*loc]))


def _listed(details: Any, loc: list[str | int]) -> Iterator[dict[str, Any]]:
    """Yield one `{loc, msg, type}` for each error in DRF's nested details."""
    if isinstance(details, list):
        for n, item in enumerate(details):
            leaf = isinstance(item, dict) and set(item) == {"message", "code"}
            yield from _listed(item, loc if leaf else [*loc, n])
    elif set(details) == {"message", "code"}:
        code = str(details["code"])
        is_missing = code == "required"
        yield {
            "loc": loc,
            "msg": "field required" if is_missing else str(details["message"]),
            "type": TYPE_OF.get(code, f"value_error.{code}"),
        }
    else:
        for name, inner in details.items():
            yield from _listed(inner, loc if name == "non_field_errors" else [*loc, name])
