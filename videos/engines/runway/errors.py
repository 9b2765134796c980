"""The errors of Runway's API: `{"error": text or object}`."""

import re
from typing import Any

from videos.engines import status_words
from videos.engines.errors import Blocked, EngineError, InvalidRequest, OutOfCredit

NO_MONEY = re.compile(r"(enough|insufficient) credits")
SAFETY = re.compile(r"\bsafety\b|\bmoderat(ion|ed)\b|content polic(y|ies)")


def read_submit_error(status: int, body: Any, text: str) -> EngineError | None:
    """Like read_error, for a submit: what is missing there is the model or an upload."""
    if status == 404:
        return InvalidRequest(f"HTTP 404: {text[:500]}", code="no_such_model")
    return read_error(status, body, text)


def read_error(status: int, body: Any, text: str) -> EngineError | None:
    """The error that an answer means; None for the usual meaning of its HTTP status."""
    said = body.get("error") if isinstance(body, dict) else None
    words, detail = f"{said or ''}".lower(), f"HTTP {status}: {text[:500]}"
    if 400 <= status < 500 and NO_MONEY.search(words):
        return OutOfCredit(detail)
    if status == 400 and (SAFETY.search(words) or status_words.is_blocked(words)):
        return Blocked(detail)
    return None
