"""Readers: functions that turn the raw text of a parameter into a value.

A reader takes the parameter's name and raw value and raises ApiError 400 in Stripe's words.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from billing.sandbox.api.form_encoding import Raw
from billing.sandbox.errors import ApiError

METADATA_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 40, 500

Reader = Callable[[str, Raw], Any]


def hash_of(fields: Mapping[str, Reader], required: tuple[str, ...] = ()) -> Reader:
    """Return a reader of named values; the result leaves out what was not sent."""

    def read(name: str, raw: Raw) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise ApiError(400, "Invalid object", param=name, code="parameter_invalid_object")
        for key in raw:
            if key not in fields:
                unknown = _nested_name(name, key)[:200]
                raise ApiError(
                    400,
                    f"Received unknown parameter: {unknown}",
                    param=unknown,
                    code="parameter_unknown",
                )
        for key in required:
            if key not in raw:
                missing = _nested_name(name, key)
                raise ApiError(
                    400,
                    f"Missing required param: {missing}.",
                    param=missing,
                    code="parameter_missing",
                )
        return {key: fields[key](_nested_name(name, key), value) for key, value in raw.items()}

    return read


def _nested_name(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key


def list_of(reader: Reader, most: int = 100) -> Reader:
    def read(name: str, raw: Raw) -> list[Any]:
        if not isinstance(raw, dict) or not all(re.fullmatch(r"\d{1,4}", key) for key in raw):
            raise ApiError(400, "Invalid array", param=name)
        if len(raw) > most:
            raise ApiError(400, f"Array {name} exceeded maximum {most} allowed elements.")
        return [reader(_nested_name(name, key), raw[key]) for key in sorted(raw, key=int)]

    return read


def _text(name: str, raw: Raw) -> str:
    if not isinstance(raw, str):
        raise ApiError(400, "Invalid string", param=name)
    if not raw.strip():
        raise ApiError(
            400,
            f"You passed an empty string for '{name}'. We assume empty values are an attempt to "
            f"unset a parameter; however '{name}' cannot be unset. You should remove '{name}' "
            "from your request or supply a non-empty value.",
            param=name,
            code="parameter_invalid_empty",
        )
    return raw


def text(limit: int) -> Callable[[str, Raw], str]:
    def read(name: str, raw: Raw) -> str:
        value = _text(name, raw)
        if len(value) > limit:
            raise ApiError(
                400,
                f"Invalid string: the value of '{name}' must be at most {limit} characters.",
                param=name,
                code="parameter_invalid_string",
            )
        return value

    return read


def integer(low: int, high: int) -> Reader:
    def read(name: str, raw: Raw) -> int:
        value = _text(name, raw)
        if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
            raise ApiError(
                400, f"Invalid integer: {value[:40]}", param=name, code="parameter_invalid_integer"
            )
        number = int(value)
        if number < low:
            raise ApiError(
                400,
                f"This value must be greater than or equal to {low}.",
                param=name,
                code="parameter_invalid_integer",
            )
        if number > high:
            raise ApiError(
                400,
                f"This value must be less than or equal to {high}.",
                param=name,
                code="parameter_invalid_integer",
            )
        return number

    return read


def boolean(name: str, raw: Raw) -> bool:
    value = _text(name, raw)
    if value not in ("true", "false"):
        raise ApiError(400, f"Invalid boolean: {value[:40]}", param=name)
    return value == "true"


def choice(*values: str) -> Reader:
    def read(name: str, raw: Raw) -> str:
        value = _text(name, raw)
        if value not in values:
            listed = " or ".join((", ".join(values[:-1]), values[-1])) if values[1:] else values[0]
            raise ApiError(400, f"Invalid {name}: must be one of {listed}", param=name)
        return value

    return read


def url(name: str, raw: Raw) -> str:
    value = text(5000)(name, raw)
    try:
        parts = urlsplit(value.replace("{CHECKOUT_SESSION_ID}", "x"))
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        fits = False
    if not fits or re.search(r"\s", value):
        raise ApiError(400, "Not a valid URL", param=name, code="url_invalid")
    return value


def email(name: str, raw: Raw) -> str:
    value = text(512)(name, raw)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise ApiError(
            400, f"Invalid email address: {value[:80]}", param=name, code="email_invalid"
        )
    return value


def metadata(name: str, raw: Raw) -> dict[str, str]:
    """Read key-value pairs; one with an empty value is left out."""
    return {key: value for key, value in metadata_changes(name, raw).items() if value}


def metadata_changes(name: str, raw: Raw) -> dict[str, str]:
    """Read key-value pairs; an empty value removes its key."""
    if raw == "":
        return {}
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise ApiError(400, f"Invalid {name}: expected key-value pairs of text.", param=name)
    if len(raw) > METADATA_KEYS:
        raise ApiError(400, f"You can only specify up to {METADATA_KEYS} keys.", param=name)
    for key, value in raw.items():
        if len(key) > METADATA_KEY_LENGTH or len(value) > METADATA_VALUE_LENGTH:
            raise ApiError(
                400,
                f"Metadata keys can be up to {METADATA_KEY_LENGTH} characters and values up to "
                f"{METADATA_VALUE_LENGTH} characters long.",
                param=_nested_name(name, key[:80]),
            )
    return dict(raw)


def removed(code: str, message: str) -> Reader:
    """Return a reader that refuses a parameter the API no longer takes."""

    def read(name: str, raw: Raw) -> None:
        raise ApiError(400, message, param=name, code=code)

    return read
