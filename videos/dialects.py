"""One video in the words of each documented system, and its socket event."""

from dataclasses import asdict
from typing import Any

from django.conf import settings

from videos import failures
from videos.models import Video

Status = Video.Status

# Systems A and B. Source: A13, B18, K9.
LIBRARY_STATUS = {
    Status.QUEUED: "queued",
    Status.SUBMITTING: "queued",
    Status.SUBMIT_UNKNOWN: "queued",
    Status.RUNNING: "in_progress",
    Status.DOWNLOADING: "in_progress",
    Status.SUCCEEDED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.TIMEOUT: "failed",
}


def library_video(video: Video) -> dict[str, Any]:
    """The video object of systems A and B; times in unix seconds. Source: A13, A15, A19."""
    done = video.status == Status.SUCCEEDED
    return {
        "id": str(video.pk),
        "user_id": str(video.user_id),
        "openai_video_id": video.upstream_id or None,
        "prompt": video.prompt,
        "model": video.model,
        "size": video.size,
        "seconds": str(video.seconds),
        "status": LIBRARY_STATUS[Status(video.status)],
        "progress": int(video.progress),
        "created_at": int(video.created_at.timestamp()),
        "completed_at": int(video.completed_at.timestamp()) if video.completed_at else None,
        "file_path": video.file.name or None,
        "thumbnail_path": video.thumbnail.name or None,
        "video_url": _content_url(video) if done else None,
        "thumbnail_url": _content_url(video, "?variant=thumbnail") if done else None,
        "error_message": failures.sentence(video) or None,
        "failure": failure(video),
        "has_input_reference": video.reference_id is not None,
        "remix_of": str(video.source_id) if video.source_id else None,
        "credits": video.credits,
    }


def failure(video: Video) -> dict[str, Any] | None:
    """Why it ended without a file; `refunded` credits came back, `remedy` is what would help."""
    found = failures.explain(video)
    if found is None:
        return None
    return {
        "code": found.code,
        "message": found.sentence,
        "refunded": video.credits,
        "returned": found.returned,
        "remedy": asdict(found.remedy) if found.remedy else None,
    }


def update_event(video: Video) -> dict[str, Any]:
    """The `video_update` of a socket. Source: A22."""
    updates: dict[str, Any] = {"status": "deleted"}
    if not video.deleted_at:
        whole = library_video(video)
        keys: tuple[str, ...] = ("status", "progress")
        if not video.is_active:
            keys += ("completed_at", "video_url", "thumbnail_url", "error_message", "failure")
        updates = {key: whole[key] for key in keys}
    return {
        "type": "video_update",
        "seq": video.seq,
        "video_id": str(video.pk),
        "updates": updates,
    }


def _content_url(video: Video, query: str = "") -> str:
    return f"{settings.BASE_URL}/api/videos/{video.pk}/content{query}"
