"""Read engines' words for states, moderation, progress, pauses and times."""

import logging
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from videos.engines.base import JobState
from videos.engines.errors import UnclearOutcome

log = logging.getLogger(__name__)

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
OUT_OF_MONEY = re.compile(
    r"quota|(insufficient|not enough|exhausted) (balance|credit|fund)", re.IGNORECASE
)
# A gateway that found no server for the model has not accepted the order.
NO_SERVER = ("no available channel", "\u65e0\u53ef\u7528\u6e20\u9053", "model_not_found")
LONGEST_PAUSE = 300.0


def read_state(
    word: object,
    known: Mapping[str, JobState],
    *,
    has_ended: object,
    maybe_accepted: bool = False,
) -> JobState:
    """The state that a word means, by the engine's own words, else by those of all engines.

    Behind an unknown word a job runs, unless the engine says in another way that it has ended;
    then raises UnclearOutcome.
    """
    text = str(word or "")
    if found := known.get(text) or STATE_OF.get(text.lower()):
        return found
    log.warning("an engine answered the unknown status %r", text[:40])
    if has_ended:
        detail = f"the job ended with the unknown status {text[:40]!r}"
        raise UnclearOutcome(detail, maybe_accepted=maybe_accepted)
    return JobState.RUNNING


def is_out_of_money(text: str) -> bool:
    """Whether a refusal (HTTP 403) is about the account's money and not about its key."""
    return bool(OUT_OF_MONEY.search(text))


def found_no_server(text: str) -> bool:
    """Whether a gateway says that it has no server for the model, so that it took no order."""
    return any(phrase in text.lower() for phrase in NO_SERVER)


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
