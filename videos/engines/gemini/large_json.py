"""Read JSON that contains whole videos in base64, without keeping them in memory."""

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from typing import IO

from django.conf import settings

from videos.engines import json_api
from videos.engines.errors import BadAnswer

# A text longer than this is moved to the file.
LONGEST_TEXT = 64 * 1024
BLOCK = 256 * 1024
SPECIAL = re.compile(rb'["\\]')
MOVED = re.compile(r"moved text (\d{1,9})")
# How JSON encoders may write characters of base64.
ESCAPES = {rb"\u003d": b"=", rb"\u002b": b"+", rb"\u002f": b"/", rb"\/": b"/"}


class LargeJSON:
    """Reads one JSON text; each long string in it is moved to `file`, or dropped without one.

    "moved text <number>" stands for such a string in the JSON that is left.
    """

    def __init__(self, file: IO[bytes] | None = None) -> None:
        self._file = file
        self._places: list[tuple[int, int]] = []  # start and end in the file
        self._left = bytearray()
        self._moved = 0
        self._start: int | None = None  # of the string that is being read
        self._is_long = self._is_escaped = False

    def read(self, chunks: Iterable[bytes]) -> bytes:
        """Return the JSON without its long strings. Raises BadAnswer for more than can be kept."""
        for chunk in chunks:
            at = 0
            while at < len(chunk):
                at = self._read_plain(chunk, at) if self._start is None else self._read(chunk, at)
            if len(self._left) > json_api.MAX_BYTES or self._moved > settings.RESULT_MAX_BYTES * 2:
                raise BadAnswer("an answer that is too large")
        return bytes(self._left)

    def decode_base64(self, text: str) -> Iterator[bytes]:
        """The bytes of a base64 string of the JSON, in blocks. Raises BadAnswer."""
        rest = b""
        for block in self._blocks(text):
            given = rest + block
            cut = given.rfind(b"\\", max(0, len(given) - 6))
            usable, rest = (given[:cut], given[cut:]) if cut >= 0 else (given, b"")
            for escape, character in ESCAPES.items():
                usable = usable.replace(escape, character)
            end = len(usable) - len(usable) % 4
            yield _decode(usable[:end])
            rest = usable[end:] + rest
        for escape, character in ESCAPES.items():
            rest = rest.replace(escape, character)
        yield _decode(rest)

    def _blocks(self, text: str) -> Iterator[bytes]:
        moved = MOVED.fullmatch(text)
        if not moved or int(moved[1]) >= len(self._places):
            yield text.encode()
            return
        if self._file is None:
            raise BadAnswer("the text was not kept")
        at, end = self._places[int(moved[1])]
        self._file.seek(at)
        while at < end and (block := self._file.read(min(BLOCK, end - at))):
            at += len(block)
            yield block

    def _read_plain(self, chunk: bytes, at: int) -> int:
        """Read what is outside strings; return where to go on."""
        quote = chunk.find(b'"', at)
        end = len(chunk) if quote < 0 else quote + 1
        self._left += chunk[at:end]
        if quote >= 0:
            self._start, self._is_long = len(self._left), False
        return end

    def _read(self, chunk: bytes, at: int) -> int:
        """Read within a string, up to its end, a backslash or the chunk's end."""
        if self._is_escaped:
            self._is_escaped = False
            self._keep(chunk[at : at + 1])
            return at + 1
        found = SPECIAL.search(chunk, at)
        self._keep(chunk[at : found.start() if found else len(chunk)])
        if not found:
            return len(chunk)
        if found[0] == b"\\":
            self._is_escaped = True
            self._keep(b"\\")
        else:
            self._end_string()
        return found.end()

    def _keep(self, piece: bytes) -> None:
        """Add to the string that is being read, which moves when it becomes long."""
        assert self._start is not None
        if not self._is_long and len(self._left) - self._start + len(piece) > LONGEST_TEXT:
            self._is_long = True
            self._places.append((self._moved, self._moved))
            piece = bytes(self._left[self._start :]) + piece
            del self._left[self._start :]
        if not self._is_long:
            self._left += piece
            return
        if self._file:
            self._file.write(piece)
        self._moved += len(piece)

    def _end_string(self) -> None:
        if self._is_long:
            self._places[-1] = (self._places[-1][0], self._moved)
            self._left += f"moved text {len(self._places) - 1}".encode()
        self._left += b'"'
        self._start = None


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadAnswer(f"not base64: {error}") from error
