"""The API's JSON objects, with all of a Video's thirteen keys.

Source: openai-openapi `VideoResource`.
"""

import time
from typing import Any

from videos.sandbox.job_timeline import Stage
from videos.sandbox.jobs import Job

MESSAGES = {
    "moderation_blocked": "Your request was blocked by our moderation system.",
    "internal_error": "An internal error occurred while the video was generated.",
    "video_generation_failed": "The video could not be generated.",
}


def newborn(job: Job) -> dict[str, Any]:
    """Return a job as its create request sees it: queued, whatever happens next."""
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
    code = "internal_error" if job.broken else job.triggers.value("fail")
    if job.triggers.has("error"):
        return failure_message("video_generation_failed")
    return {
        "code": code or "video_generation_failed",
        "message": failure_message(code or "video_generation_failed"),
    }


def failure_message(code: str) -> str:
    return MESSAGES.get(code, f"The video could not be generated ({code}).")


def is_expired(job: Job) -> bool:
    return job.expires_at is not None and time.time() >= job.expires_at


def model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_759_708_800, "owned_by": "sandbox"}
