"""An engine's answer to a request for a part of a file."""

import re
from collections.abc import Iterator

import httpx2

from videos.engines import status_words
from videos.engines.errors import AuthFailed, BadAnswer, Gone, NotReady, RateLimited, Unavailable
from videos.engines.result_streams import CHUNK_BYTES, Part, ResultStream

CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d{1,18}/(\d{1,18}|\*)")


def read_part(answer: httpx2.Response, part: Part) -> ResultStream:
    """The part as an engine's answer brings it. Raises EngineError; then the answer is closed."""
    try:
        skip = _position(answer, part)
    except BaseException:
        answer.close()
        raise
    return ResultStream(_skipping(answer.iter_raw(CHUNK_BYTES), skip), answer.close, part)


def _position(answer: httpx2.Response, part: Part) -> int:
    """How many bytes of the answer come before the part. Raises EngineError."""
    status, headers = answer.status_code, answer.headers
    if status in {404, 410}:
        raise Gone(f"HTTP {status}")
    if status == 401:
        raise AuthFailed(f"HTTP {status}")
    if status == 429:
        raise RateLimited(f"HTTP {status}", retry_after=status_words.parse_retry_after(headers))
    if status >= 500:
        raise Unavailable(f"HTTP {status}")
    if status not in {200, 206} or "json" in headers.get("content-type", ""):
        raise NotReady(f"HTTP {status}, {headers.get('content-type', '')}")
    if headers.get("content-encoding", "identity") != "identity":
        raise BadAnswer("an encoded file")
    if status == 206:
        found = CONTENT_RANGE.fullmatch(headers.get("content-range", "").strip())
        if not found or int(found[1]) != part.start or found[2] not in {"*", str(part.size)}:
            raise BadAnswer(f"another range: {headers.get('content-range')}")
        return 0
    if headers.get("content-length", str(part.size)) != str(part.size):
        raise BadAnswer(f"another file, of {headers['content-length']} bytes")
    return part.start


def _skipping(chunks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """The chunks without their first `count` bytes, from an engine that knows no ranges."""
    for chunk in chunks:
        if rest := chunk[count:]:
            yield rest
        count = max(count - len(chunk), 0)
