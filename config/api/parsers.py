"""JSON bodies, read strictly: what is ambiguous or cannot be kept is refused, never guessed.

Text with NUL reaches a serializer, whose fields refuse it by name; half a surrogate pair does not,
for not even the answer that refuses it could be written.
"""

import json
import math
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MAX_DIGITS = 20
MAX_DEPTH = 32


class StrictJSONParser(JSONParser):
    """UTF-8 of at most MAX_DEPTH levels, no key twice, no number infinite or beyond MAX_DIGITS."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body = stream.read(settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        if len(body) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("JSON")
        try:
            found = json.loads(
                body.decode(),
                object_pairs_hook=_object,
                parse_int=_integer,
                parse_float=_decimal,
                parse_constant=_decimal,
            )
            _check(found)
            return found
        except (ValueError, RecursionError) as error:
            raise ParseError from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _check(found: Any) -> None:
    level = [found]
    for _ in range(MAX_DEPTH + 1):
        inner: list[Any] = []
        for value in level:
            if isinstance(value, str):
                value.encode()  # a UnicodeEncodeError is a ValueError
            elif isinstance(value, list):
                inner += value
            elif isinstance(value, dict):
                if any("\0" in key for key in value):
                    raise ValueError("a key with NUL")
                inner += [*value, *value.values()]
        if not inner:
            return
        level = inner
    raise ValueError("too deep")


def _integer(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise ValueError("a number is too long")
    return int(text)


def _decimal(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError("a number is not finite")
    return found
