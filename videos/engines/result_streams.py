"""Read a part of a result while its engine sends it: one chunk is in memory, nothing is stored."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import IO

import httpx2

from videos.engines.errors import Unavailable

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class Part:
    """The bytes from `start` to before `stop` of a file of `size` bytes."""

    start: int
    stop: int
    size: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers that ask for it; an encoded file would have other bytes."""
        asked = {"Accept-Encoding": "identity"}
        if (self.start, self.stop) != (0, self.size):
            asked["Range"] = f"bytes={self.start}-{self.stop - 1}"
        return asked


class ResultStream:
    """A part of a result; closing it closes the connection to the engine."""

    def __init__(self, chunks: Iterator[bytes], close: Callable[[], None], part: Part) -> None:
        """`chunks` begin with the first byte of the part."""
        self._chunks, self.close = chunks, close
        self._left = part.stop - part.start

    def read(self, size: int = CHUNK_BYTES) -> bytes:
        """Return the next bytes, b"" after the last; never more than a chunk, whatever `size` is.

        Raises Unavailable when the engine ends too early or is too slow.
        """
        chunk = b""
        try:
            while self._left and not chunk:
                chunk = next(self._chunks)[: self._left]
        except StopIteration as error:
            raise Unavailable(f"the file ended {self._left} bytes too early") from error
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise Unavailable(str(error)) from error
        self._left -= len(chunk)
        return chunk

    def __enter__(self) -> "ResultStream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def of_file(file: IO[bytes], part: Part) -> ResultStream:
    """The part of a temporary file that has the whole result, and that closing removes."""
    file.seek(part.start)
    return ResultStream(iter(lambda: file.read(CHUNK_BYTES), b""), file.close, part)
