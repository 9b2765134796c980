"""Read jobs of fal's queue: statuses, outputs, and entries of the list of requests."""

from collections.abc import Iterator, Mapping
from typing import Any

from videos.engines import status_words
from videos.engines.base import Job, JobState
from videos.engines.errors import BadAnswer
from videos.engines.fal import ids

# Completed says that the run has ended, well or not: its result tells which.
STATES = {
    "IN_QUEUE": JobState.QUEUED,
    "IN_PROGRESS": JobState.RUNNING,
    "COMPLETED": JobState.SUCCEEDED,
}


def parse_submitted(answer: Any, model: str, base_url: str) -> ids.RequestId:
    """The job in the answer to a submit. Raises BadAnswer, and then there may be a job."""
    found = answer if isinstance(answer, dict) else {}
    request_id = found.get("request_id")
    if not (isinstance(request_id, str) and ids.REQUEST_ID.fullmatch(request_id)):
        raise BadAnswer("accepted without a usable request_id", maybe_accepted=True)
    app = ids.app_in(found.get("response_url"), base_url, request_id)
    return ids.RequestId(request_id, app or ids.app_of(model))


def parse_status(job_id: str, answer: Any) -> Job:
    """A job from its status; one that has ended counts as succeeded until its result is read.

    Raises BadAnswer for anything that has no status, UnclearOutcome for an unknown end.
    """
    found = answer if isinstance(answer, dict) else {}
    word = found.get("status")
    if not isinstance(word, str):
        raise BadAnswer(f"not a status: {str(answer)[:300]}")
    ended = error_in_status(found) or found.get("metrics")
    state = status_words.read_state(word, STATES, has_ended=ended)
    if state is JobState.FAILED:  # its result says why
        state = JobState.SUCCEEDED
    return Job(job_id, state, queue_position=_queue_position(found, state))


def is_status(body: Any) -> bool:
    """Whether the body of an HTTP error is the status of a job that has ended."""
    return isinstance(body, dict) and body.get("status") == "COMPLETED"


def error_in_status(answer: Mapping[str, Any]) -> str:
    """The error that the status of a completed job names; "" when it names none."""
    return str(answer.get("error") or answer.get("error_type") or "")[:500]


def find_video_url(output: Any) -> str:
    """The URL of the video in a model's output; "" when there is none."""
    return next(_urls(output), "")


def _queue_position(found: Mapping[str, Any], state: JobState) -> int | None:
    """The place in the queue, from the number of jobs before this one."""
    ahead = found.get("queue_position")
    if state is not JobState.QUEUED or type(ahead) is not int or ahead < 0:
        return None
    return ahead + 1


def _urls(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith(("https://", "http://")):
            yield value
    elif isinstance(value, dict) and depth < 4:
        for key in ("video", "videos", "output", "url", "video_url"):
            yield from _urls(value.get(key), depth + 1)
    elif isinstance(value, list) and depth < 4:
        for inner in value[:10]:
            yield from _urls(inner, depth + 1)
