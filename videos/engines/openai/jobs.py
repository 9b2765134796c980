"""Read jobs of the Videos API: the object of every server known to implement it."""

from collections.abc import Iterator, Mapping

import openai

from videos.engines import json_api, status_words
from videos.engines.base import Job, JobState
from videos.engines.errors import BadAnswer, Blocked, Refused
from videos.engines.openai.errors import read_code_and_message

LONGEST_ID = 512
# Where servers name the file of a finished job, if they serve it elsewhere.
URL_KEYS = ("url", "video_url", "download_url", "output", "outputs", "result", "metadata", "data")


def parse_job(
    answer: object,
    job_id: str = "",
    *,
    poll_after: float | None = None,
    maybe_accepted: bool = False,
) -> Job:
    """A job from a Video object; `job_id`, where given, has priority over the object's own id.

    Raises BadAnswer, or UnclearOutcome for a job that has ended in an unknown way.
    """
    found = answer.to_dict(warnings=False) if isinstance(answer, openai.BaseModel) else answer
    if isinstance(found, str) and json_api.is_page(found):
        raise BadAnswer(json_api.NOT_AN_API, maybe_accepted=maybe_accepted)
    found = _unwrapped(found)
    if not isinstance(found, dict) or not (job_id or found.get("id")):
        raise BadAnswer(f"not a video: {str(answer)[:300]}", maybe_accepted=maybe_accepted)
    known_as = job_id or str(found["id"])
    if len(known_as) > LONGEST_ID or not known_as.isprintable():
        raise BadAnswer("an id that cannot be kept", maybe_accepted=maybe_accepted)
    ended = found.get("error") or found.get("completed_at")
    word = found.get("status")
    state = status_words.read_state(word, {}, has_ended=ended, maybe_accepted=maybe_accepted)
    return Job(
        id=known_as,
        state=state,
        progress=status_words.parse_progress(found.get("progress")),
        failure=_parse_failure(found) if state is JobState.FAILED else None,
        prompt=str(found.get("prompt") or ""),
        model=str(found.get("model") or ""),
        size=str(found.get("size") or ""),
        seconds=str(found.get("seconds") or found.get("duration") or ""),
        created_at=status_words.parse_timestamp(found.get("created_at")),
        poll_after=poll_after,
        expires_at=status_words.parse_timestamp(found.get("expires_at")),
    )


def is_failed_job(body: object) -> bool:
    """Whether the body of an HTTP error is itself a job that has failed, as vLLM-Omni answers."""
    found = _unwrapped(body)
    if not isinstance(found, Mapping) or not found.get("id"):
        return False
    word = str(found.get("status") or "").lower()
    return status_words.STATE_OF.get(word) is JobState.FAILED


def find_url(body: object) -> str:
    """The first URL of a file in a job or an answer in its place; "" when there is none."""
    return next(_urls(body), "")


def _urls(value: object, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        yield value
    elif depth > 4:
        return
    elif isinstance(value, Mapping):
        for key in URL_KEYS:
            yield from _urls(value.get(key), depth + 1)
    elif isinstance(value, list):
        for item in value:
            yield from _urls(item, depth + 1)


def _unwrapped(found: object) -> object:
    """The job in an envelope: some gateways answer {"data": {...}} or {"data": [{...}]}."""
    if isinstance(found, Mapping) and "id" not in found and "status" not in found:
        inner = found.get("data")
        if isinstance(inner, list) and len(inner) == 1:
            inner = inner[0]
        if isinstance(inner, Mapping):
            return inner
    return found


def _parse_failure(found: Mapping[str, object]) -> Refused:
    code, message = read_code_and_message({"error": found.get("error") or {}})
    if not code and str(found.get("status")).lower() in {"cancelled", "canceled", "expired"}:
        code = f"upstream_{found['status']}"
    if status_words.is_blocked(f"{code} {message}"):
        return Blocked(message, code=Blocked.code)
    return Refused(message or "the job failed", code=code or "generation_failed")
