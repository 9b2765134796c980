"""How the API reads parameters: form-encoded, nested in brackets, every name known.

A reader turns the raw text under one name into a value or raises Refused with Stripe's words.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError

FIELDS_LIMIT = 2000
DEPTH_LIMIT = 8
METADATA_KEYS, METADATA_KEY_LENGTH, METADATA_VALUE_LENGTH = 50, 40, 500
NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")

Raw = Any  # a text, or a dict of names to raw values
Reader = Callable[[str, Raw], Any]


class Refused(Exception):
    """A request the API answers with its error body and `status`.

    `executed` tells a refusal by the state of things from one of the parameters alone: only the
    former is kept as the answer of its idempotency key.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        type: str = "invalid_request_error",
        executed: bool = False,
    ) -> None:
        super().__init__(message)
        self.status, self.executed = status, executed
        self.error: dict[str, Any] = {"message": message, "type": type}
        if code:
            self.error |= {"code": code, "doc_url": f"https://docs.stripe.com/error-codes#{code}"}
        if param:
            self.error["param"] = param


def unfold_body(request: HttpRequest) -> dict[str, Raw]:
    """Read a POST body. Raises Refused when it is not form-encoded."""
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise Refused(413, "The request body is too large.") from error
    except (UnreadablePostError, OSError) as error:
        raise Refused(400, "The request body could not be read.") from error
    if body and request.content_type != "application/x-www-form-urlencoded":
        raise Refused(
            400,
            "Invalid request (check that your POST content type is "
            "application/x-www-form-urlencoded).",
        )
    return unfold(body)


def unfold(text: str | bytes) -> dict[str, Raw]:
    """Parse `a[b][0]=c` into nested dicts."""
    try:
        words = text.decode() if isinstance(text, bytes) else text
        pairs = parse_qsl(
            words, keep_blank_values=True, max_num_fields=FIELDS_LIMIT, errors="strict"
        )
    except ValueError as error:
        raise Refused(400, "Invalid request: the parameters could not be parsed.") from error
    tree: dict[str, Raw] = {}
    for name, value in pairs:
        _hang(tree, name, value)
    return tree


def _hang(tree: dict[str, Raw], name: str, value: str) -> None:
    match = NAME.fullmatch(name)
    path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])] if match else []
    if not path or len(path) > DEPTH_LIMIT or "\0" in name + value:
        raise Refused(400, f"Invalid request: cannot read the parameter {name[:80]}.")
    branch = tree
    for step in path[:-1]:
        branch = branch.setdefault(step, {})
        if not isinstance(branch, dict):
            raise _mixed(name)
    leaf = path[-1] or str(len(branch))
    if isinstance(branch.get(leaf), dict):
        raise _mixed(name)
    branch[leaf] = value


def _mixed(name: str) -> Refused:
    return Refused(400, f"Invalid request: {name[:80]} is used both as a value and as a hash.")


def hash_of(fields: Mapping[str, Reader], required: tuple[str, ...] = ()) -> Reader:
    """Read named values; what is not sent is not in the result."""

    def read(name: str, raw: Raw) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise Refused(400, "Invalid object", param=name, code="parameter_invalid_object")
        for key in raw:
            if key not in fields:
                unknown = _inside(name, key)[:200]
                raise Refused(
                    400,
                    f"Received unknown parameter: {unknown}",
                    param=unknown,
                    code="parameter_unknown",
                )
        for key in required:
            if key not in raw:
                missing = _inside(name, key)
                raise Refused(
                    400,
                    f"Missing required param: {missing}.",
                    param=missing,
                    code="parameter_missing",
                )
        return {key: fields[key](_inside(name, key), value) for key, value in raw.items()}

    return read


def _inside(name: str, key: str) -> str:
    return f"{name}[{key}]" if name else key


def list_of(reader: Reader, most: int = 100) -> Reader:
    def read(name: str, raw: Raw) -> list[Any]:
        if not isinstance(raw, dict) or not all(re.fullmatch(r"\d{1,4}", key) for key in raw):
            raise Refused(400, "Invalid array", param=name)
        if len(raw) > most:
            raise Refused(400, f"Array {name} exceeded maximum {most} allowed elements.")
        return [reader(_inside(name, key), raw[key]) for key in sorted(raw, key=int)]

    return read


def _plain(name: str, raw: Raw) -> str:
    if not isinstance(raw, str):
        raise Refused(400, "Invalid string", param=name)
    if not raw.strip():
        raise Refused(
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
        value = _plain(name, raw)
        if len(value) > limit:
            raise Refused(
                400,
                f"Invalid string: the value of '{name}' must be at most {limit} characters.",
                param=name,
                code="parameter_invalid_string",
            )
        return value

    return read


def integer(low: int, high: int) -> Reader:
    def read(name: str, raw: Raw) -> int:
        value = _plain(name, raw)
        if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
            raise Refused(
                400, f"Invalid integer: {value[:40]}", param=name, code="parameter_invalid_integer"
            )
        number = int(value)
        if number < low:
            raise Refused(
                400,
                f"This value must be greater than or equal to {low}.",
                param=name,
                code="parameter_invalid_integer",
            )
        if number > high:
            raise Refused(
                400,
                f"This value must be less than or equal to {high}.",
                param=name,
                code="parameter_invalid_integer",
            )
        return number

    return read


def boolean(name: str, raw: Raw) -> bool:
    value = _plain(name, raw)
    if value not in ("true", "false"):
        raise Refused(400, f"Invalid boolean: {value[:40]}", param=name)
    return value == "true"


def choice(*values: str) -> Reader:
    def read(name: str, raw: Raw) -> str:
        value = _plain(name, raw)
        if value not in values:
            listed = " or ".join((", ".join(values[:-1]), values[-1])) if values[1:] else values[0]
            raise Refused(400, f"Invalid {name}: must be one of {listed}", param=name)
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
        raise Refused(400, "Not a valid URL", param=name, code="url_invalid")
    return value


def email(name: str, raw: Raw) -> str:
    value = text(512)(name, raw)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        raise Refused(400, f"Invalid email address: {value[:80]}", param=name, code="email_invalid")
    return value


def metadata(name: str, raw: Raw) -> dict[str, str]:
    """Read key-value pairs; an empty value is as good as none."""
    return {key: value for key, value in metadata_changes(name, raw).items() if value}


def metadata_changes(name: str, raw: Raw) -> dict[str, str]:
    """Read key-value pairs; an empty value stands for the removal of its key."""
    if raw == "":
        return {}
    if not isinstance(raw, dict) or not all(isinstance(value, str) for value in raw.values()):
        raise Refused(400, f"Invalid {name}: expected key-value pairs of text.", param=name)
    if len(raw) > METADATA_KEYS:
        raise Refused(400, f"You can only specify up to {METADATA_KEYS} keys.", param=name)
    for key, value in raw.items():
        if len(key) > METADATA_KEY_LENGTH or len(value) > METADATA_VALUE_LENGTH:
            raise Refused(
                400,
                f"Metadata keys can be up to {METADATA_KEY_LENGTH} characters and values up to "
                f"{METADATA_VALUE_LENGTH} characters long.",
                param=_inside(name, key[:80]),
            )
    return dict(raw)


def withdrawn(code: str, message: str) -> Reader:
    """Refuse a parameter that the API no longer takes."""

    def read(name: str, raw: Raw) -> None:
        raise Refused(400, message, param=name, code=code)

    return read
