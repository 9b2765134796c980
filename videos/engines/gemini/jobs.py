"""Read interactions as jobs."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from videos.engines import status_words
from videos.engines.base import Job, JobState
from videos.engines.errors import BadAnswer, Blocked, NotFound, Refused
from videos.engines.gemini.errors import is_about_safety
from videos.engines.gemini.orders import LABEL

ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._=-]{0,511}")
STATES = {
    "queued": JobState.QUEUED,
    "in_progress": JobState.RUNNING,
    "completed": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
    "cancelled": JobState.FAILED,
    "incomplete": JobState.FAILED,
    "budget_exceeded": JobState.FAILED,
}


def checked_id(job_id: str) -> str:
    """The id, which may stand in a URL. Raises NotFound."""
    if not ID.fullmatch(job_id):
        raise NotFound("no interaction has such an id")
    return job_id


def checked(answer: object, *, maybe_accepted: bool = False) -> dict[str, Any]:
    """The interaction that was answered. Raises BadAnswer."""
    if not isinstance(answer, dict) or not isinstance(answer.get("status"), str):
        raise BadAnswer(f"not an interaction: {answer!r:.300}", maybe_accepted=maybe_accepted)
    return answer


def parse_submitted(answer: object) -> Job:
    """The job of an accepted submit. Raises BadAnswer that says it may have been accepted."""
    record = checked(answer, maybe_accepted=True)
    job_id = record.get("id")
    if not isinstance(job_id, str) or not ID.fullmatch(job_id):
        raise BadAnswer("accepted without a usable id", maybe_accepted=True)
    return parse_job(record, job_id)


def parse_job(record: Mapping[str, Any], job_id: str) -> Job:
    """A job from an interaction; one that is completed without a video was blocked.

    Raises UnclearOutcome for an unknown end.
    """
    word = str(record["status"]).lower()
    ended = record.get("error") or record.get("errors") or find_video(record)
    state = status_words.read_state(word, STATES, has_ended=ended)
    failure = _parse_failure(record, word) if state is JobState.FAILED else None
    if state is JobState.SUCCEEDED and not find_video(record):
        state, failure = JobState.FAILED, Blocked(_why(record) or "completed without a video")
    return Job(
        id=job_id,
        state=state,
        failure=failure,
        model=str(record.get("model") or ""),
        created_at=status_words.parse_iso_timestamp(record.get("created")),
    )


def is_failed(body: object, job_id: str) -> bool:
    """Whether the body of an HTTP error is this interaction, which has failed."""
    if not isinstance(body, dict) or body.get("id") != job_id:
        return False
    word = str(body.get("status")).lower()
    return (STATES.get(word) or status_words.STATE_OF.get(word)) is JobState.FAILED


def find_video(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The content that holds the video, as `data` or at a `uri`; None when there is none."""
    for step in _objects(record.get("steps")):
        if step.get("type") == "model_output":
            for content in _objects(step.get("content")):
                if content.get("type") == "video" and (content.get("data") or content.get("uri")):
                    return content
    return None


def may_belong_to(record: Mapping[str, Any], token: str) -> bool:
    """Whether an interaction names this video, or no video at all.

    Not every answer repeats what was asked; the callback's secret URL has named the video then.
    """
    webhook = record.get("webhook_config")
    metadata = webhook.get("user_metadata") if isinstance(webhook, dict) else None
    named = [found.get(LABEL) for found in _objects([record.get("labels"), metadata])]
    return all(value in (None, token) for value in named)


def _parse_failure(record: Mapping[str, Any], word: str) -> Refused:
    why = _why(record)
    if is_about_safety(why):
        return Blocked(why)
    if word in {"cancelled", "budget_exceeded"}:
        return Refused(why or f"the interaction was {word}", code=f"upstream_{word}")
    return Refused(why or "the interaction failed", code="generation_failed")


def _why(record: Mapping[str, Any]) -> str:
    """All error messages of an interaction, and what the model said instead of a video."""
    faults = [*_objects(record.get("errors")), *_objects([record.get("error")])]
    steps = list(_objects(record.get("steps")))
    faults += _objects([step.get("error") for step in steps])
    said = [f"{fault.get('code') or ''} {fault.get('message') or ''}".strip() for fault in faults]
    for step in steps:
        if step.get("type") == "model_output":
            said += [
                content["text"]
                for content in _objects(step.get("content"))
                if isinstance(content.get("text"), str)
            ]
    return "; ".join(filter(None, said))[:1000]


def _objects(value: object) -> Iterator[Mapping[str, Any]]:
    """The objects in a list; nothing for whatever is not a list."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
