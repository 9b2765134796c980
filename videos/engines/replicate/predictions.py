"""Read Replicate's predictions."""

import re
from collections.abc import Mapping
from typing import Any

from videos.engines import status_words
from videos.engines.base import Job, JobState
from videos.engines.errors import BadAnswer, Refused
from videos.engines.replicate import errors

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
    ended = found.get("completed_at") or found.get("error")
    state, failure = (
        status_words.read_state(status, STATES, has_ended=ended, maybe_accepted=maybe_accepted),
        None,
    )
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


def is_failed(body: Any, job_id: str) -> bool:
    """Whether the body of an HTTP error is this prediction, which has failed."""
    found = as_prediction(body)
    word = str((found or {}).get("status"))
    state = STATES.get(word) or status_words.STATE_OF.get(word.lower())
    return found is not None and found["id"] == job_id and state is JobState.FAILED


def find_url(prediction: Mapping[str, Any]) -> str:
    """The URL of a prediction's video; "" when there is none."""
    output = prediction.get("output")
    listed = output if isinstance(output, list) else [output]
    urls = (value for value in listed if isinstance(value, str))
    return next((url for url in urls if url.startswith(("https://", "http://"))), "")


def _progress(found: Mapping[str, Any]) -> float | None:
    """The last progress that the model has logged."""
    logged = found.get("logs")
    lines = PROGRESS.findall(logged[-LOG_TAIL:]) if isinstance(logged, str) else []
    return status_words.parse_progress(lines[-1]) if lines else None
