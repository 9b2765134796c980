"""Checks of single values that every field of the Videos API shares."""

from typing import Any

from videos.sandbox.http.errors import ApiError


def is_text(text: str) -> bool:
    """Tell whether a string can be stored and printed: no NUL, no lone surrogate."""
    return "\0" not in text and printable(text) == text


def printable(text: str) -> str:
    return text.encode(errors="replace").decode()


def choose(fields: dict[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    """Return one of the allowed values of a field. Raises ApiError 400."""
    value = fields.get(name, default)
    if name == "seconds" and type(value) is int:
        value = str(value) if 0 <= value < 1000 else "?"
    if not isinstance(value, str):
        raise wrong_type(name, "a string", value)
    if value not in allowed:
        supported = ", ".join(f"'{word}'" for word in allowed)
        raise ApiError(
            400,
            f"Invalid value: '{printable(value)[:80]}'. Supported values are: {supported}.",
            code="invalid_value",
            param=name,
        )
    return value


def wrong_type(param: str, expected: str, value: object) -> ApiError:
    names = {str: "a string", bool: "a boolean", int: "an integer", float: "a decimal"}
    got = names.get(type(value), "an array" if isinstance(value, list) else "an object")
    return ApiError(
        400,
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.",
        code="invalid_type",
        param=param,
    )
