"""Read engines' words for states, moderation, progress, pauses and times."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

from videos.engines.base import JobState

STATES = {
    JobState.QUEUED: "queued pending waiting queuing submitted not_start created accepted"
    " scheduled",
    JobState.RUNNING: "in_progress processing running generating preprocessing cancelling",
    JobState.SUCCEEDED: "completed complete succeeded success succeed done finished finish",
    JobState.FAILED: "failed fail failure error errored rejected aborted terminated timeout"
    " timed_out cancelled canceled deleted expired",
}
STATE_OF = {word: state for state, words in STATES.items() for word in words.split()}
BLOCKED_WORDS = (
    "moderation_blocked",
    "content_policy_violation",
    "content_filter",
    "blocked by our moderation",
    "content policy",
    "safety system",
)
LONGEST_PAUSE = 300.0


def is_blocked(text: str) -> bool:
    """Whether an error code or message means that the engine's moderation rejected the prompt."""
    return any(word in text.lower() for word in BLOCKED_WORDS)


def parse_progress(value: object) -> float | None:
    """0..100 from an int, a float or "45%"; None for anything else."""
    try:
        found = float(str(value).rstrip("% "))
    except ValueError:
        return None
    return None if math.isnan(found) else min(max(found, 0.0), 100.0)


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait before a retry, from any of the known headers."""
    return (
        parse_pause(headers, "retry-after-ms", 1000)
        or parse_pause(headers, "retry-after")
        or parse_pause(headers, "llm_provider-retry-after")
    )


def parse_pause(headers: Mapping[str, str], name: str, scale: int = 1) -> float | None:
    """Seconds a header asks to wait, at most LONGEST_PAUSE; None without such a header."""
    try:
        found = float(headers[name]) / scale
    except (KeyError, ValueError):
        return None
    return min(found, LONGEST_PAUSE) if found >= 0 else None


def parse_timestamp(value: object, scale: int = 1) -> datetime | None:
    """A time from unix seconds, or from units of 1/`scale` seconds; None if unreadable."""
    try:
        return datetime.fromtimestamp(float(str(value)) / scale, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def parse_iso_timestamp(value: object) -> datetime | None:
    """A time from its ISO 8601 text, in UTC where it names no zone; None if unreadable."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
