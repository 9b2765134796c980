"""An edit as JSON."""

from typing import Any

from videos import representations
from videos.editing import failures
from videos.editing.recipes import Recipe
from videos.media import upload_urls
from videos.models import MediaJob


def edit(job: MediaJob) -> dict[str, Any]:
    """The object of an edit; times in unix seconds."""
    ids = [representations.library_id(video.pk) for video in job.videos]
    recipe = dict(job.recipe)
    return {
        "id": str(job.pk),
        "status": job.status,
        "progress": int(job.progress),
        "video_id": ids[0],
        "videos": ids,
        "recipe": recipe,
        "credits": job.credits,
        "result_id": representations.library_id(job.result_id) if job.result_id else None,
        "failure": failure(job),
        "retry_of": str(job.retry_of_id) if job.retry_of_id else None,
        "created_at": int(job.created_at.timestamp()),
        "started_at": int(job.started_at.timestamp()) if job.started_at else None,
        "ended_at": int(job.ended_at.timestamp()) if job.ended_at else None,
    }


def failure(job: MediaJob) -> dict[str, Any] | None:
    """Why an edit ended without a video, and the credits that were returned."""
    if not job.is_lost:
        return None
    code = job.failure_code or "cancelled"
    return {"code": code, "message": failures.sentence(job), "refunded": job.credits}


def request_of(job: MediaJob) -> dict[str, Any]:
    """The body of the call of the API that orders the same edit."""
    usual = Recipe().stored()
    given = {name: value for name, value in job.recipe.items() if value != usual[name]}
    if "loops" in given:
        given["loop"] = given.pop("loops")
    if "join" in given:
        others = [representations.library_id(video.pk) for video in job.videos[1:]]
        given["join"] = {"videos": others, **given["join"]}
    if "sound" in given:
        address = upload_urls.url_of(job.sound) if job.sound else ""
        given["sound"] = {"file_url": address, **given["sound"]}
    return given
