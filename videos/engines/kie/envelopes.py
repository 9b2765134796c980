"""Send requests whose answers are envelopes `{code, msg, data}`, and map their codes to errors."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx2

from videos.engines import json_api, status_words
from videos.engines.base import JobState
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    Blocked,
    EngineError,
    InvalidRequest,
    NotFound,
    OutOfCredit,
    RateLimited,
    Refused,
    Unavailable,
    Unsupported,
)
from videos.engines.http_answers import Answer

MAX_BYTES = 1024 * 1024
NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.UnsupportedProtocol,
)
MAINTENANCE, GENERATION_FAILED = 455, 501
KINDS: dict[int, type[EngineError]] = {
    401: AuthFailed,
    402: OutOfCredit,
    403: AuthFailed,
    405: Unsupported,
    408: Unavailable,
    409: Unavailable,
    429: RateLimited,
    433: OutOfCredit,  # the limit of the key
    MAINTENANCE: Unavailable,
    GENERATION_FAILED: Refused,
    505: Unsupported,
}
UNKNOWN_JOB = re.compile(r"\bnull\b|not (exist|found)")


def send(
    client: httpx2.Client, request: httpx2.Request, *, submitting: bool = False
) -> dict[str, Any]:
    """Send a request once, without redirects, and return the `data` of its answer.

    Raises EngineError, with `maybe_accepted` when a submit may have been accepted.
    """
    return read(_exchange(client, request, submitting), submitting=submitting)


def send_for_number(client: httpx2.Client, request: httpx2.Request) -> Decimal:
    """Send a request once and return the `data` of its answer, a number. Raises EngineError."""
    data = _data_of(_exchange(client, request, submitting=False), submitting=False)
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise BadAnswer("not a number")
    return Decimal(str(data))


def _exchange(client: httpx2.Client, request: httpx2.Request, submitting: bool) -> Answer:
    try:
        answer = client.send(request, stream=True)
        try:
            body = _read(answer)
        finally:
            answer.close()
    except NEVER_SENT as error:
        raise Unavailable(str(error)) from error
    except httpx2.HTTPError as error:
        raise Unavailable(str(error), maybe_accepted=submitting) from error
    return Answer(answer.status_code, answer.headers, body)


def read(answer: Answer, *, submitting: bool = False) -> dict[str, Any]:
    """Return the `data` of an answer, as `send` does that of its own."""
    data = _data_of(answer, submitting)
    if not isinstance(data, dict):
        raise _not_an_answer(answer, submitting)
    return data


def _data_of(answer: Answer, submitting: bool) -> object:
    body = answer.body if len(answer.body) <= MAX_BYTES else b""
    found = json_api.parse_object(body)
    code = _parse_code(found.get("code"))
    status = answer.status if code in {None, 200} else code
    data = found.get("data")
    if status != 200 and not submitting and isinstance(data, dict) and _is_failed_job(data):
        return data
    if status != 200:
        said = found.get("msg") or found.get("message") or found.get("detail") or ""
        message = str(said or body[:300].decode(errors="replace"))[:500]
        raise _error_from_code(status or 0, message, answer.headers, submitting)
    if code is None:
        raise _not_an_answer(answer, submitting)
    return data


def _not_an_answer(answer: Answer, submitting: bool) -> BadAnswer:
    said = answer.body[:300].decode(errors="replace") if len(answer.body) <= MAX_BYTES else ""
    detail = json_api.NOT_AN_API if json_api.is_page(said) else f"not an answer: {said}"
    return BadAnswer(detail, maybe_accepted=submitting)


def _is_failed_job(data: Mapping[str, Any]) -> bool:
    """Whether the data beside an error code is a task that has failed."""
    word = str(data.get("state")).lower()
    return bool(data.get("taskId")) and status_words.STATE_OF.get(word) is JobState.FAILED


def _read(answer: httpx2.Response) -> bytes:
    body = b""
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            return b""
    return body


def _error_from_code(
    status: int, message: str, headers: Mapping[str, str], submitting: bool
) -> EngineError:
    kind = _error_class(status, message, submitting)
    unsure = submitting and kind in {Unavailable, BadAnswer} and status != MAINTENANCE
    unsure = unsure and not status_words.found_no_server(message)
    return kind(
        f"code {status}: {message}",
        code="generation_failed" if kind is Refused else "",
        retry_after=status_words.parse_retry_after(headers) if kind is RateLimited else None,
        maybe_accepted=unsure,
    )


def _error_class(status: int, message: str, submitting: bool) -> type[EngineError]:
    if status_words.is_blocked(message):
        return Blocked
    if not submitting and status in {400, 404, 422}:
        unknown = status == 404 or UNKNOWN_JOB.search(message.lower())
        return NotFound if unknown else InvalidRequest
    if status == 403 and status_words.is_out_of_money(message):
        return OutOfCredit
    if status in KINDS:
        return KINDS[status]
    if status >= 500:
        return Unavailable
    return InvalidRequest if 400 <= status < 500 else BadAnswer


def _parse_code(value: object) -> int | None:
    """A code as a number or as its text; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,4}", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
