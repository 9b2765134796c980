"""JSON objects of the Videos API, with all thirteen keys of a Video.

Source: openai-openapi `VideoResource`.
"""

from typing import Any

from videos.sandbox.jobs.failures import failure_message
from videos.sandbox.jobs.records import Job
from videos.sandbox.jobs.timeline import Stage


def new_video(job: Job) -> dict[str, Any]:
    """Return the Video object in the answer to a create: queued, whatever happens next."""
    return video(job, Stage("queued", 0))


def video(job: Job, stage: Stage) -> dict[str, Any]:
    """Return the Video object of a job at a stage; `[[minimal]]` leaves id and status."""
    if job.triggers.has("minimal"):
        return {"id": job.id, "status": stage.status}
    return {
        "id": job.id,
        "object": "video",
        "model": job.model,
        "status": stage.status,
        "progress": stage.progress,
        "prompt": job.prompt,
        "created_at": int(job.created_at),
        "completed_at": job.completed_at,
        "expires_at": job.expires_at,
        "size": job.size,
        "seconds": job.seconds,
        "remixed_from_video_id": job.remixed_from,
        "error": _error(job) if stage.status == "failed" else None,
    }


def _error(job: Job) -> dict[str, str] | str:
    code = "internal_error" if job.render_failed else job.triggers.value("fail")
    if job.triggers.has("error"):
        return failure_message("video_generation_failed")
    return {
        "code": code or "video_generation_failed",
        "message": failure_message(code or "video_generation_failed"),
    }


def model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_759_708_800, "owned_by": "sandbox"}
