"""The parsers of request bodies: JSON, and the two kinds of forms, all in UTF-8.

The parser of JSON refuses what is ambiguous (a key twice) or cannot be stored (infinite numbers). A
serializer refuses text with NUL and names its field; half of a surrogate pair is refused here,
because an answer that quotes it could not be encoded.
"""

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from django.http import QueryDict
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.parsers import (
    BaseParser,
    FormParser,
    JSONParser,
    MultiPartParser,
)

from config.lib import strict_json

MAX_DEPTH = 32
MAX_BYTES = 1024 * 1024
CHARSETS = {"utf-8", "utf8", "us-ascii"}


class StrictForm(BaseParser):
    """What both kinds of forms refuse.

    Raises UnsupportedMediaType for another charset than UTF-8, RequestDataTooBig for more than
    `max_bytes` of text.
    """

    max_bytes = MAX_BYTES

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        _check_charset(media_type or "")
        found: Any = super().parse(stream, media_type, parser_context)
        _check_size(found if isinstance(found, QueryDict) else found.data, self.max_bytes)
        return found


class StrictFormParser(StrictForm, FormParser):
    """A form without files."""


class StrictMultiPartParser(StrictForm, MultiPartParser):
    """A form with files, which count separately."""


class StrictJSONParser(JSONParser):
    """UTF-8 of at most MAX_BYTES and MAX_DEPTH levels.

    A subclass may read more bytes. Raises RequestDataTooBig, UnsupportedMediaType or ParseError.
    """

    max_bytes = MAX_BYTES

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        _check_charset(media_type or "")
        body = stream.read(self.max_bytes + 1)
        if len(body) > self.max_bytes:
            raise RequestDataTooBig("JSON")
        try:
            found = strict_json.loads(body.decode(), unique_keys=True)
            _check_texts_and_depth(found)
            return found
        except (ValueError, RecursionError) as error:
            raise ParseError from error


def _check_size(form: QueryDict, max_bytes: int) -> None:
    if sum(len(name) + sum(map(len, texts)) for name, texts in form.lists()) > max_bytes:
        raise RequestDataTooBig("form")


def _check_charset(media_type: str) -> None:
    _kind, parameters = parse_header_parameters(media_type)
    if parameters.get("charset", "utf-8").lower() not in CHARSETS:
        raise UnsupportedMediaType(media_type)


def _check_texts_and_depth(found: Any) -> None:
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
                    raise ValueError("a key contains NUL")
                inner += [*value, *value.values()]
        if not inner:
            return
        level = inner
    raise ValueError(f"more than {MAX_DEPTH} levels")
