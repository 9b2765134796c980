"""Read Replicate's predictions."""

import logging
import re
from collections.abc import Mapping
from typing import Any

from videos.engines import status_words
from videos.engines.base import Job, JobState
from videos.engines.errors import BadAnswer, Refused, UnclearOutcome
from videos.engines.replicate import errors

log = logging.getLogger(__name__)

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
STATES = {
    "starting": JobState.QUEUED,
    "processing": JobState.RUNNING,
    "succeeded": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
    "canceled": JobState.FAILED,
    "aborted": JobState.FAILED,  # its deadline passed before it started
}
# What tqdm writes to the log of a model: " 45%|####    | 9/20 [00:03<00:04]".
PROGRESS = re.compile(r"^\s*(\d{1,3})%\s*\|", re.MULTILINE)
LOG_TAIL = 10_000


def parse(answer: Any, *, maybe_accepted: bool = False) -> Job:
    """A job from a prediction.

    Raises BadAnswer, or UnclearOutcome for one that has ended in an unknown way.
    """
    found = as_prediction(answer)
    if found is None:
        detail = f"not a prediction: {str(answer)[:300]}"
        raise BadAnswer(detail, maybe_accepted=maybe_accepted)
    status = str(found.get("status") or "")
    state, failure = _read_state(found, status, maybe_accepted), None
    if state is JobState.FAILED:
        failure = errors.failure_of(status, found.get("error"))
    elif state is JobState.SUCCEEDED and not (find_url(found) or found.get("data_removed")):
        state = JobState.FAILED
        failure = Refused("the model answered without a video", code="generation_failed")
    asked = found.get("input")
    return Job(
        id=found["id"],
        state=state,
        progress=_progress(found) if state is JobState.RUNNING else None,
        failure=failure,
        prompt=str(asked.get("prompt") or "") if isinstance(asked, dict) else "",
        model=str(found.get("model") or ""),
        created_at=status_words.parse_iso_timestamp(found.get("created_at")),
    )


def as_prediction(answer: Any) -> dict[str, Any] | None:
    """The prediction that an answer is; None if it has no usable id."""
    job_id = answer.get("id") if isinstance(answer, dict) else None
    return answer if isinstance(job_id, str) and ID.fullmatch(job_id) else None


def find_url(prediction: Mapping[str, Any]) -> str:
    """The URL of a prediction's video; "" when there is none."""
    output = prediction.get("output")
    listed = output if isinstance(output, list) else [output]
    urls = (value for value in listed if isinstance(value, str))
    return next((url for url in urls if url.startswith(("https://", "http://"))), "")


def _read_state(found: Mapping[str, Any], status: str, maybe_accepted: bool) -> JobState:
    if status in STATES:
        return STATES[status]
    log.warning("an engine answered the unknown status %r", status[:40])
    if found.get("completed_at") or found.get("error"):
        detail = f"the prediction ended with the unknown status {status[:40]!r}"
        raise UnclearOutcome(detail, maybe_accepted=maybe_accepted)
    return JobState.RUNNING


def _progress(found: Mapping[str, Any]) -> float | None:
    """The last progress that the model has logged."""
    logged = found.get("logs")
    lines = PROGRESS.findall(logged[-LOG_TAIL:]) if isinstance(logged, str) else []
    return status_words.parse_progress(lines[-1]) if lines else None
