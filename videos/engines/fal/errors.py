"""fal's error bodies: {"detail": text or [{"type", "msg", ...}], "error_type"?: word}."""

import re
from collections.abc import Callable
from typing import Any

from videos.engines import status_words
from videos.engines.errors import (
    Blocked,
    EngineError,
    InvalidRequest,
    NotReady,
    OutOfCredit,
    Refused,
)

# "User is locked. Reason: Exhausted balance. Top up your balance at ...", with HTTP 403.
LOCKED = re.compile(r"user is locked|exhausted balance|top.?up", re.IGNORECASE)
STILL_RUNNING = re.compile(r"still in (progress|queue)", re.IGNORECASE)
CODE = re.compile(r"[a-z0-9_.-]{1,64}")
REFUSED_INPUT = {400, 413, 415, 422}


class JobFailed(EngineError):
    """The address of a result answered with the error of the job itself."""

    def __init__(self, failure: Refused) -> None:
        self.failure = failure
        super().__init__(failure.detail, code=failure.code)


def read_error(status: int, said: Any, text: str) -> EngineError | None:
    """What fal says of our request; None for what the HTTP status says already."""
    detail = f"HTTP {status}: {text[:500]}"
    types, message = _read_detail(said)
    if status == 403 and LOCKED.search(message):
        return OutOfCredit(detail)
    if 400 <= status < 500 and status_words.is_blocked(f"{types} {message}"):
        return Blocked(detail)
    return None


def read_submit_error(status: int, said: Any, text: str) -> EngineError | None:
    """As read_error; 404 is the answer to an unknown model."""
    if status == 404:
        return InvalidRequest(f"HTTP 404: {text[:500]}")
    return read_error(status, said, text)


def reader_of_results(status_error: str) -> Callable[[int, Any, str], EngineError | None]:
    """Read the errors of a completed job's result; `status_error` is what its status says.

    fal answers there with the status and body of the failed run. A 5xx without a sign of that is
    trouble between fal and us, and passes.
    """

    def read(status: int, said: Any, text: str) -> EngineError | None:
        body = said if isinstance(said, dict) else {}
        detail = body.get("detail")
        if status == 400 and isinstance(detail, str) and STILL_RUNNING.search(detail):
            return NotReady(detail)
        of_run = bool(status_error or body.get("error_type") or isinstance(detail, list))
        if of_run or status in REFUSED_INPUT or (status == 500 and detail):
            return JobFailed(_failure(status, body, status_error or text[:500]))
        return read_error(status, said, text)

    return read


def _failure(status: int, body: dict[str, Any], otherwise: str) -> Refused:
    types, message = _read_detail(body)
    message = message or otherwise or f"HTTP {status}"
    if status_words.is_blocked(f"{types} {message}"):
        return Blocked(message)
    if status in REFUSED_INPUT:
        return InvalidRequest(message)
    code = str(body.get("error_type") or "") or types.partition(" ")[0]
    return Refused(message, code=code if CODE.fullmatch(code) else "generation_failed")


def _read_detail(said: Any) -> tuple[str, str]:
    """The types and the message of an error; what it repeats of the input is left out."""
    detail = said.get("detail") if isinstance(said, dict) else None
    listed = detail if isinstance(detail, list) else []
    entries = [entry for entry in listed if isinstance(entry, dict)]
    types = " ".join(str(entry.get("type") or "") for entry in entries)
    messages = "; ".join(str(entry["msg"]) for entry in entries if entry.get("msg"))
    return types, messages or (detail if isinstance(detail, str) else "")
