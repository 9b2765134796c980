"""Read the state of a job from ComfyUI's queue and history.

ComfyUI keeps both in memory: a job that is in neither is certainly not there. An answer of
another shape is an error, so that it is never taken for a job that is not there.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from videos.engines.base import Job, JobState
from videos.engines.comfyui.errors import read_failure
from videos.engines.comfyui.graphs import Graph, is_node
from videos.engines.errors import BadAnswer, InvalidRequest, Refused, UnclearOutcome

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# The kinds of files that count as the video, the most useful first.
VIDEO_SUFFIXES = (".mp4", ".webm", ".mov", ".mkv", ".avi", ".gif")


def id_for(token: str) -> str:
    """The id of an order's job. ComfyUI accepts UUIDs in lower case only."""
    try:
        return str(UUID(token))
    except ValueError as error:
        raise InvalidRequest("the order's token is not a UUID") from error


def read_queue(queue: Any, job_id: str) -> list[Job]:
    """The entries of a job in the queue; a job that was submitted twice has two.

    Raises BadAnswer when there is none, but an entry that cannot be read, which may be it.
    """
    (running, odd), (pending, odd_pending) = (
        _entries(queue, key) for key in ("queue_running", "queue_pending")
    )
    waiting = sorted(pending, key=_number)
    found = [
        *(Job(job_id, JobState.RUNNING) for entry in running if entry[1] == job_id),
        *(
            Job(job_id, JobState.QUEUED, queue_position=position)
            for position, entry in enumerate(waiting, start=1)
            if entry[1] == job_id
        ),
    ]
    if not found and (odd or odd_pending):
        raise BadAnswer(f"not a queue: {str(queue)[:300]}")
    return found


def running_graph(queue: Any, job_id: str) -> Graph:
    """The workflow of a running job, as the queue tells it; empty when it does not."""
    entries, _odd = _entries(queue, "queue_running")
    for entry in entries:
        match entry:
            case [_, str(about), dict(graph), *_] if about == job_id:
                return {key: node for key, node in graph.items() if is_node(node)}
    return {}


def is_record(body: Any, job_id: str) -> bool:
    """Whether the body of an HTTP error is the record of this job."""
    return isinstance(body, dict) and isinstance(body.get(job_id), dict)


def read_history(history: Any, job_id: str) -> Mapping[str, Any] | None:
    """The record of a job that has ended; None when there is none."""
    record = history.get(job_id, {}) if isinstance(history, dict) else None
    if not isinstance(record, dict):
        raise BadAnswer(f"not a history: {str(history)[:300]}")
    return record or None


def read_record(record: Mapping[str, Any], job_id: str) -> Job:
    """A job that has ended, from its record. Raises UnclearOutcome."""
    status = record.get("status")
    status = status if isinstance(status, dict) else {}
    word = status.get("status_str")
    if word == "error":
        return Job(job_id, JobState.FAILED, failure=read_failure(status))
    if find_video(record):
        return Job(job_id, JobState.SUCCEEDED, progress=100)
    if word == "success":
        failure = Refused("the workflow saved no video", code="generation_failed")
        return Job(job_id, JobState.FAILED, failure=failure)
    raise UnclearOutcome(f"the run ended with the status {str(word)[:40]!r} and without a video")


def find_video(record: Mapping[str, Any]) -> dict[str, str] | None:
    """What /view asks for to send the video; None when the run saved none.

    Nodes name their files under keys of their own, such as "images", "gifs" and "videos". Saved
    files have priority over previews.
    """
    found = [file for file in _files(record.get("outputs")) if _rank(file) is not None]
    return min(found, key=lambda file: _rank(file) or (False, 0), default=None)


def _entries(queue: Any, key: str) -> tuple[list[list[Any]], bool]:
    """The entries of one part of the queue, and whether it has others that cannot be read."""
    entries = queue.get(key) if isinstance(queue, dict) else None
    if not isinstance(entries, list):
        raise BadAnswer(f"not a queue: {str(queue)[:300]}")
    found = [entry for entry in entries if isinstance(entry, list) and len(entry) > 1]
    return found, len(found) < len(entries)


def _number(entry: list[Any]) -> float:
    """The order in which jobs of the queue are run."""
    return entry[0] if isinstance(entry[0], int | float) else 0


def _files(value: Any, depth: int = 0) -> Iterator[dict[str, str]]:
    """Every file that the outputs of a run name."""
    if isinstance(value, dict) and isinstance(value.get("filename"), str):
        asked = {"filename": value["filename"]}
        asked["subfolder"] = str(value.get("subfolder") or "")
        asked["type"] = str(value.get("type") or "output")
        yield asked
    elif isinstance(value, dict | list) and depth < 4:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _files(inner, depth + 1)


def _rank(file: Mapping[str, str]) -> tuple[bool, int] | None:
    for rank, suffix in enumerate(VIDEO_SUFFIXES):
        if file["filename"].lower().endswith(suffix):
            return file["type"] != "output", rank
    return None
