"""Read tasks as jobs."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from videos.engines import status_words
from videos.engines.base import Cost, Job, JobState
from videos.engines.errors import BadAnswer, Blocked, InvalidRequest, NotFound, Refused

ID = re.compile(r"[A-Za-z0-9-]{1,64}")
CODE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
STATES = {
    "PENDING": JobState.QUEUED,
    "THROTTLED": JobState.QUEUED,  # as many of the account's tasks run as may
    "RUNNING": JobState.RUNNING,
    "SUCCEEDED": JobState.SUCCEEDED,
    "FAILED": JobState.FAILED,
    "CANCELLED": JobState.FAILED,
}
# The engine asks for at least five seconds between polls; its SDK waits six.
POLL_SECONDS = 6.0
USD_PER_CREDIT = Decimal("0.01")
MOST_CREDITS = 10_000_000


def checked_id(job_id: str) -> str:
    """The id, which may stand in a URL. Raises NotFound."""
    if not ID.fullmatch(job_id):
        raise NotFound("no task has such an id")
    return job_id


def checked(answer: object) -> dict[str, Any]:
    """The task that was answered. Raises BadAnswer."""
    if not isinstance(answer, dict) or not isinstance(answer.get("status"), str):
        raise BadAnswer(f"not a task: {answer!r:.300}")
    return answer


def parse_submitted(answer: object) -> Job:
    """The job of an accepted submit. Raises BadAnswer that says it may have been accepted."""
    job_id = answer.get("id") if isinstance(answer, dict) else None
    if not isinstance(job_id, str) or not ID.fullmatch(job_id):
        raise BadAnswer("accepted without a usable id", maybe_accepted=True)
    assert isinstance(answer, dict)
    cost = parse_cost(answer)
    return Job(job_id, JobState.QUEUED, cost=cost, poll_after=POLL_SECONDS)


def parse_job(task: Mapping[str, Any], job_id: str) -> Job:
    """A job from a task. Raises UnclearOutcome for an unknown end."""
    has_ended = task.get("failure") or task.get("failureCode") or task.get("output")
    state = status_words.read_state(task["status"], STATES, has_ended=has_ended)
    ended = state in {JobState.SUCCEEDED, JobState.FAILED}
    return Job(
        id=job_id,
        state=state,
        progress=_parse_progress(task.get("progress")),
        failure=_parse_failure(task) if state is JobState.FAILED else None,
        created_at=status_words.parse_iso_timestamp(task.get("createdAt")),
        cost=parse_cost(task),
        poll_after=None if ended else POLL_SECONDS,
    )


def is_failed(body: object, job_id: str) -> bool:
    """Whether the body of an HTTP error is this task, which has failed."""
    if not isinstance(body, dict) or body.get("id") != job_id:
        return False
    word = str(body.get("status"))
    return (STATES.get(word) or status_words.STATE_OF.get(word.lower())) is JobState.FAILED


def find_url(task: Mapping[str, Any]) -> str:
    """The URL of a finished task's video; "" when there is none."""
    made = task.get("output")
    urls = [url for url in made if isinstance(url, str)] if isinstance(made, list) else []
    return urls[0] if urls else ""


def parse_cost(task: Mapping[str, Any]) -> Cost | None:
    """What a task has cost, or will cost at most; None when it does not say."""
    for name in ("cost", "estimatedCost"):
        found = task.get(name)
        credits = found.get("credits") if isinstance(found, dict) else None
        if not isinstance(credits, int | float) or isinstance(credits, bool):
            continue
        if 0 <= credits <= MOST_CREDITS:
            return Cost(Decimal(str(credits)) * USD_PER_CREDIT, "USD")
    return None


def _parse_progress(value: object) -> float | None:
    """0..100 from 0..1."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return status_words.parse_progress(value * 100)


def _parse_failure(task: Mapping[str, Any]) -> Refused:
    code, message = str(task.get("failureCode") or ""), str(task.get("failure") or "")
    if task["status"] == "CANCELLED":
        return Refused(message or "the task was cancelled", code="upstream_cancelled")
    if "SAFETY" in code.split(".") or status_words.is_blocked(message):
        return Blocked(f"{code} {message}".strip())
    if code.startswith("ASSET."):
        return InvalidRequest(f"{code} {message}".strip(), code="invalid_asset")
    known = code if CODE.fullmatch(code) else "generation_failed"
    return Refused(message or "the task failed", code=known)
