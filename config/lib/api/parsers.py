"""The parsers of request bodies: JSON, and the two kinds of forms, all in UTF-8.

The parser of JSON refuses what is ambiguous (a key twice) or cannot be stored (infinite numbers). A
serializer refuses text with NUL and names its field; half of a surrogate pair is refused here,
because an answer that quotes it could not be encoded. The parsers of forms refuse what Django would
repair: bytes that are no UTF-8, and a form that ends too early.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any, cast

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
# A hundred prompts of 5,000 characters, however they are written.
BATCH_BYTES = 4 * MAX_BYTES
# What Django puts in a form for bytes that are no UTF-8.
REPLACEMENT = "\ufffd"
# What may follow the last boundary of a form with files.
EPILOGUE_BYTES = 1024
CHARSETS = {"utf-8", "utf8", "us-ascii"}


class StrictForm(BaseParser):
    """What both kinds of forms refuse.

    Raises UnsupportedMediaType for another charset than UTF-8, RequestDataTooBig for more than
    `max_bytes` of text, ParseError for text that is no UTF-8.
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
        form = found if isinstance(found, QueryDict) else found.data
        _check_size(form, self.max_bytes)
        _check_encoding(form)
        return found


class StrictFormParser(StrictForm, FormParser):
    """A form without files."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        body: bytes = stream.read()
        try:
            body.decode()  # Django would take other bytes for Latin-1
        except UnicodeDecodeError as error:
            raise ParseError from error
        return super().parse(BytesIO(body), media_type, parser_context)


class StrictMultiPartParser(StrictForm, MultiPartParser):
    """A form with files, which count separately. Raises ParseError without its last boundary."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        _kind, parameters = parse_header_parameters(media_type or "")
        end = f"--{parameters.get('boundary', '')}--".encode()
        tail = _Tail(stream, len(end) + EPILOGUE_BYTES)
        found = super().parse(cast("IO[Any]", tail), media_type, parser_context)
        if end not in tail.kept:
            raise ParseError
        return found


class _Tail:
    """A stream that keeps the last bytes that were read from it."""

    def __init__(self, stream: IO[Any], size: int) -> None:
        self._stream, self._size, self.kept = stream, size, b""

    def read(self, size: int = -1) -> bytes:
        found: bytes = self._stream.read(size)
        self.kept = (self.kept + found[-self._size :])[-self._size :]
        return found


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


def _check_encoding(form: QueryDict) -> None:
    if any(REPLACEMENT in text for name, texts in form.lists() for text in (name, *texts)):
        raise ParseError


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
