"""Send requests to an engine's JSON API, each once, and name what went wrong.

Every adapter that speaks plain HTTP uses this. Adapters give the words of their API that tell an
empty account from a wrong key, and moderation from a wrong request.
"""

import ssl
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import httpx2

from config.lib import strict_json
from videos.engines import http_answers, status_words
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    EngineError,
    Gone,
    InvalidRequest,
    NotFound,
    OutOfCredit,
    RateLimited,
    Unavailable,
    Unsupported,
)
from videos.engines.http_answers import Answer

MAX_BYTES = http_answers.MAX_BYTES
# How many results of one engine a process reads at once, and how many seconds one more waits.
STREAMS_AT_ONCE = 64
STREAM_WAIT_SECONDS = 2
# Certainly nothing was sent.
NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
)
NOT_AN_API = "the address is not an engine's API: it answered a web page"
KINDS: dict[int, type[EngineError]] = {
    401: AuthFailed, 402: OutOfCredit, 403: AuthFailed, 404: NotFound, 405: Unsupported,
    408: Unavailable, 409: Unavailable, 410: Gone, 425: Unavailable, 429: RateLimited,
    501: Unsupported,
}  # fmt: skip

# From HTTP status, the body's JSON and its text: the error that an API means, None for the usual.
ReadError = Callable[[int, Any, str], EngineError | None]
ReadBody = Callable[[Iterable[bytes]], bytes]
# Whether the JSON of an HTTP error is an answer all the same, such as a job that has failed.
IsAnswer = Callable[[Any], bool]


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Shared by all clients, because reading the certificates takes a tenth of a second."""
    return httpx2.create_ssl_context()


def client(base_url: str, headers: Mapping[str, str], read_seconds: float = 30) -> httpx2.Client:
    """A client for one engine. It follows no redirect, which could lead the key to any host.

    Without `base_url` and key it is one for files at any host.
    """
    return httpx2.Client(
        base_url=base_url.rstrip("/"),
        headers={"User-Agent": "Firstlight", **headers},
        timeout=httpx2.Timeout(read_seconds, connect=5),
        verify=trusted_authorities(),
    )


def stream_client(like: httpx2.Client) -> httpx2.Client:
    """A client with the headers of another one and connections of its own.

    Viewers are slow, and those of the other client are for orders and polls.
    """
    return httpx2.Client(
        headers=like.headers,
        timeout=httpx2.Timeout(30, connect=5, pool=STREAM_WAIT_SECONDS),
        limits=httpx2.Limits(max_connections=STREAMS_AT_ONCE, max_keepalive_connections=8),
        verify=trusted_authorities(),
    )


def read_body(chunks: Iterable[bytes]) -> bytes:
    """Return a whole body. Raises BadAnswer above MAX_BYTES."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_BYTES:
            raise BadAnswer("an answer that is too large")
    return bytes(body)


def send(
    client: httpx2.Client,
    method: str,
    url: str,
    *,
    submitting: bool = False,
    read_error: ReadError | None = None,
    read_body: ReadBody = read_body,
    is_answer: IsAnswer = lambda body: False,
    **content: Any,
) -> Any:
    """Send one request and return the JSON of its answer; None for an empty body.

    `is_answer` finds the answers among the bodies of HTTP errors. `read_body` returns the JSON text
    from the chunks of a body, where it may be too large to keep. Raises EngineError;
    `maybe_accepted` says that a submit may have been accepted.
    """
    answer = Answer(*_send(client, method, url, submitting, read_body, content))
    return read(answer, submitting=submitting, read_error=read_error, is_answer=is_answer)


def read(
    answer: Answer,
    *,
    submitting: bool = False,
    read_error: ReadError | None = None,
    is_answer: IsAnswer = lambda body: False,
) -> Any:
    """Return the JSON of an answer, as `send` does that of its own."""
    status, headers, body, text = answer.status, answer.headers, answer.body, answer.text
    found = _parse(body)
    if 200 <= status < 300:
        if body and found is _UNREADABLE:
            detail = NOT_AN_API if is_page(text) else f"not JSON: {text[:300]}"
            raise BadAnswer(detail, maybe_accepted=submitting)
        return found if body else None
    said = None if found is _UNREADABLE else found
    if is_answer(said):
        return said
    error = read_error(status, said, text) if read_error else None
    raise error or usual_error(status, text, headers, submitting=submitting)


def get(client: httpx2.Client, url: str) -> Answer:
    """Return the answer to GET, of whatever status. Raises EngineError."""
    return Answer(*_send(client, "GET", url, False, read_body, {}))


def is_page(text: str) -> bool:
    """Whether a text is a web page."""
    return any(sign in text[:1000].lower() for sign in ("<html", "<!doctype html"))


def parse_object(text: object) -> dict[str, Any]:
    """The object that is written in a JSON text; {} for whatever is not one of plain values."""
    if not isinstance(text, str | bytes):
        return {}
    try:
        found = strict_json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def usual_error(
    status: int, text: str, headers: Mapping[str, str], *, submitting: bool
) -> EngineError:
    """The error that an HTTP status means where an API says nothing more exact."""
    is_address_wrong = status in {404, 405} and is_page(text)
    detail = f"HTTP {status}: {NOT_AN_API if is_address_wrong else text[:500]}"
    kind = KINDS.get(status)
    if status == 403 and status_words.is_out_of_money(text):
        kind = OutOfCredit
    if 300 <= status < 400:
        kind = BadAnswer  # a redirect, which is not followed
    if kind is None:
        kind = Unavailable if status >= 500 else InvalidRequest
    retry_after = status_words.parse_retry_after(headers) if kind is RateLimited else None
    unsure = submitting and kind in {Unavailable, BadAnswer}
    unsure = unsure and not status_words.found_no_server(text)
    return kind(detail, retry_after=retry_after, maybe_accepted=unsure)


def _send(
    client: httpx2.Client,
    method: str,
    url: str,
    submitting: bool,
    read_body: ReadBody,
    content: dict[str, Any],
) -> tuple[int, Mapping[str, str], bytes]:
    try:
        with client.stream(method, url, **content) as answer:
            return answer.status_code, answer.headers, read_body(answer.iter_bytes())
    except BadAnswer as error:
        error.maybe_accepted = submitting
        raise
    except NEVER_SENT as error:
        raise Unavailable(str(error)) from error
    except httpx2.InvalidURL as error:
        raise InvalidRequest(str(error)) from error
    except httpx2.HTTPError as error:
        raise Unavailable(str(error) or repr(error), maybe_accepted=submitting) from error


_UNREADABLE = object()


def _parse(body: bytes) -> Any:
    try:
        return strict_json.loads(body)
    except (ValueError, RecursionError):
        return _UNREADABLE
