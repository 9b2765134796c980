"""Replicate's errors: {"title", "status", "detail"} for requests, a text for predictions."""

import re
from typing import Any

from videos.engines.errors import Blocked, EngineError, InvalidRequest, RateLimited, Refused

# Predictions have no code for moderation; "(E005)" is in the texts of official models.
BLOCKED = re.compile(
    r"flagged|sensitive|safety|\bE005\b|moderat|content.policy|\bnsfw\b", re.IGNORECASE
)
# "Request was throttled. Your rate limit resets in ~30s."
RESETS_IN = re.compile(r"resets in ~?(\d{1,4})\s*s")
LONGEST_PAUSE = 300.0


def read_error(status: int, said: Any, text: str) -> EngineError | None:
    """What Replicate says of our request; None for what the HTTP status says already."""
    message = _message(said)
    if status == 429 and (found := RESETS_IN.search(message)):
        pause = min(float(found[1]), LONGEST_PAUSE)
        return RateLimited(f"HTTP 429: {message}", retry_after=pause)
    if status in {400, 422} and BLOCKED.search(message):
        return Blocked(f"HTTP {status}: {message}")
    return None


def read_submit_error(status: int, said: Any, text: str) -> EngineError | None:
    """As read_error; 404 is the answer to an unknown model."""
    if status == 404:
        return InvalidRequest(f"HTTP 404: {text[:500]}")
    return read_error(status, said, text)


def failure_of(status: str, error: object) -> Refused:
    """Why a prediction with this status failed; `error` is its text."""
    message = str(error or "")
    if BLOCKED.search(message):
        return Blocked(message)
    code = "generation_failed" if status == "failed" else f"upstream_{status}"
    return Refused(message or f"the prediction is {status}", code=code)


def _message(said: Any) -> str:
    found = said if isinstance(said, dict) else {}
    return " ".join(str(found[name]) for name in ("title", "detail") if found.get(name))[:500]
