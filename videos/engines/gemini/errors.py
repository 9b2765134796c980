"""The errors of Google's APIs: `{"error": {code, message, status, details}}`."""

import re
from collections.abc import Iterator
from typing import Any

from videos.engines import status_words
from videos.engines.errors import (
    AuthFailed,
    Blocked,
    EngineError,
    InvalidRequest,
    NotFound,
    OutOfCredit,
    RateLimited,
)

WRONG_KEY = re.compile(r"api[_ ]key[_ ](not[_ ]valid|invalid|expired)|api key (was )?reported")
BILLING = re.compile(r"billing|prepa(y|id)|credits?\b|payment")
SAFETY = re.compile(
    r"safety|prohibited|responsible ai|moderat|flagged|(content|usage|use) polic(y|ies)"
)
DELAY = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")


def is_about_safety(text: str) -> bool:
    """Whether a message means that the engine's moderation rejected prompt, image or video."""
    return bool(SAFETY.search(text.lower())) or status_words.is_blocked(text)


def read_submit_error(status: int, body: Any, text: str) -> EngineError | None:
    """Like read_error, for a submit: nothing is missing there but the model."""
    error = read_error(status, body, text)
    if status == 404 or isinstance(error, NotFound):
        return InvalidRequest(f"HTTP {status}: {text[:500]}", code="no_such_model")
    return error


def read_error(status: int, body: Any, text: str) -> EngineError | None:
    """The error that an answer means; None for the usual meaning of its HTTP status."""
    found = _error_of(body)
    message = str(found.get("message") or text[:500])
    detail = f"HTTP {status}: {found.get('status') or ''} {message}"
    if status == 429 and not _has_spent_its_quota(found, text.lower()):
        return RateLimited(detail, retry_after=_pause(found))
    kind = _kind_of(status, message, text.lower())
    return kind(detail) if kind else None


def _kind_of(status: int, message: str, words: str) -> type[EngineError] | None:
    if WRONG_KEY.search(words):  # answered as 400
        return AuthFailed
    if status == 429 or (status in {400, 403} and BILLING.search(words)):
        return OutOfCredit
    if status in {400, 422} and is_about_safety(message):
        return Blocked
    if status == 403 and "may not exist" in words:
        return NotFound
    return None


def _has_spent_its_quota(error: dict[str, Any], words: str) -> bool:
    """Whether a 429 means money or a day's quota, and not too many requests within a minute.

    The sentence is the same for both and names billing; only the violated quotas tell them apart.
    """
    quotas = [
        str(violation.get("quotaId") or violation.get("quota_id") or "")
        for detail in _objects(error.get("details"))
        if str(detail.get("@type") or "").endswith("QuotaFailure")
        for violation in _objects(detail.get("violations"))
    ]
    if quotas:
        return not all("PerMinute" in quota for quota in quotas)
    return bool(BILLING.search(words)) or "quotafailure" in words


def _pause(error: dict[str, Any]) -> float | None:
    """The pause of a RetryInfo such as {"retryDelay": "7s"}."""
    for detail in _objects(error.get("details")):
        if match := DELAY.fullmatch(str(detail.get("retryDelay") or "")):
            return min(float(match[1]), status_words.LONGEST_PAUSE)
    return None


def _error_of(body: Any) -> dict[str, Any]:
    """The error object of a body, which some calls put into a list."""
    if isinstance(body, list) and body:
        body = body[0]
    found = body.get("error") if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


def _objects(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
