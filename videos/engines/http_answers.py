"""Read one answer of HTTP/1.1 as it arrives in pieces; strict, and only what polls need."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from videos.engines.errors import BadAnswer

MAX_HEAD_BYTES = 64 * 1024
MAX_BYTES = 32 * 1024 * 1024
NO_BODY = (204, 304)


@dataclass(frozen=True)
class Answer:
    """An answer; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The beginning of the body, for messages."""
        return self.body[:2000].decode(errors="replace")


@dataclass
class AnswerReader:
    """Collects the bytes of one answer. Its methods raise BadAnswer for what is no HTTP."""

    answer: Answer | None = None
    keeps_connection: bool = False
    has_begun: bool = False
    _buffer: bytearray = field(default_factory=bytearray)
    _body: bytearray = field(default_factory=bytearray)
    _status: int = 0
    _headers: dict[str, str] = field(default_factory=dict)
    # How many bytes of the body, or of its present chunk, are still to come; None: up to the end.
    _left: int | None = 0
    _is_chunked: bool = False
    _is_last_chunk: bool = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes; `answer` is set when they complete it."""
        self.has_begun = True
        if self.answer:
            raise BadAnswer("more bytes than one answer")
        self._buffer += data
        if not self._status and not self._read_head():
            return
        if self._is_chunked:
            self._read_chunks()
        else:
            self._read_body()

    def end(self) -> None:
        """Say that no more bytes come."""
        if self.answer is None and self._status and self._left is None and not self._is_chunked:
            self.keeps_connection = False
            self._complete()

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise BadAnswer("an HTTP header that is too large")
            return False
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        version, _, rest = lines[0].partition(" ")
        code = rest[:3]
        if not version.startswith("HTTP/1.") or not (code.isascii() and code.isdigit()):
            raise BadAnswer(f"not HTTP: {lines[0][:100]!r}")
        if int(code) < 200:  # one that announces the answer
            return self._read_head()
        self._status = int(code)
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise BadAnswer(f"not an HTTP header: {line[:100]!r}")
            self._headers[name.lower()] = value.strip(" \t")
        self._plan_body(version)
        return True

    def _plan_body(self, version: str) -> None:
        headers = self._headers
        ends = headers.get("connection", "").lower()
        self.keeps_connection = "close" not in ends and version != "HTTP/1.0"
        coding = headers.get("transfer-encoding", "").lower()
        if self._status in NO_BODY:
            self._left = 0
        elif coding:
            if coding != "chunked":
                raise BadAnswer(f"the transfer encoding {coding[:40]!r}")
            self._is_chunked, self._left = True, None
        elif (length := headers.get("content-length")) is not None:
            if not (length.isascii() and length.isdigit()):
                raise BadAnswer(f"the length {length[:40]!r}")
            self._left = int(length)
            if self._left > MAX_BYTES:
                raise BadAnswer("an answer that is too large")
        else:
            self._left, self.keeps_connection = None, False

    def _read_body(self) -> None:
        self._take(len(self._buffer) if self._left is None else self._left)
        if self._left == 0:
            self._complete()

    def _read_chunks(self) -> None:
        while True:
            if self._left:
                self._take(self._left)
                if self._left:
                    return None
            line_end = self._buffer.find(b"\r\n")
            if line_end < 0:
                if len(self._buffer) > MAX_HEAD_BYTES:
                    raise BadAnswer("a chunk without an end")
                return None
            line = bytes(self._buffer[:line_end])
            del self._buffer[: line_end + 2]
            if self._is_last_chunk:  # what follows are trailers, up to an empty line
                if not line:
                    return self._complete()
            elif self._left == 0:  # the end of a chunk's bytes
                if line:
                    raise BadAnswer("a chunk of another size")
                self._left = None
            else:
                self._begin_chunk(line)

    def _begin_chunk(self, line: bytes) -> None:
        digits = line.split(b";")[0].strip()
        try:
            size = int(digits, 16) if digits.isalnum() else -1
        except ValueError:
            size = -1
        if size < 0:
            raise BadAnswer(f"not the size of a chunk: {line[:40]!r}")
        self._is_last_chunk, self._left = size == 0, size or None

    def _take(self, count: int) -> None:
        """Move up to `count` bytes to the body."""
        found = self._buffer[:count]
        del self._buffer[:count]
        self._body += found
        if self._left is not None:
            self._left -= len(found)
        if len(self._body) > MAX_BYTES:
            raise BadAnswer("an answer that is too large")

    def _complete(self) -> None:
        if self._buffer:
            raise BadAnswer("more bytes than one answer")
        self.answer = Answer(self._status, self._headers, self._decoded())

    def _decoded(self) -> bytes:
        coding = self._headers.get("content-encoding", "identity").lower()
        if coding == "identity":
            return bytes(self._body)
        if coding not in {"gzip", "deflate"}:
            raise BadAnswer(f"the content encoding {coding[:40]!r}")
        inflate = zlib.decompressobj(47)  # either format
        try:
            found = inflate.decompress(bytes(self._body), MAX_BYTES)
        except zlib.error as error:
            raise BadAnswer(f"not {coding}: {error}") from error
        if inflate.unconsumed_tail:
            raise BadAnswer("an answer that is too large")
        return found
