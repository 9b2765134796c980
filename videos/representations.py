"""A video as JSON: in the form of each documented system, and as event and webhook."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings

from config.lib.api.rendering import iso
from videos import failures, signed_urls
from videos.catalog.reading import catalog
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
    Status.CANCELLED: "failed",
    Status.TIMEOUT: "failed",
}

# System C, in /api/videos/tasks/{id} and in /api/tasks. Source: C16, C18, C19.
TASK_STATUS = {
    Status.QUEUED: "PENDING",
    Status.SUBMITTING: "PENDING",
    Status.SUBMIT_UNKNOWN: "PENDING",
    Status.RUNNING: "PROCESSING",
    Status.DOWNLOADING: "PROCESSING",
    Status.SUCCEEDED: "SUCCEEDED",
    Status.FAILED: "FAILED",
    Status.CANCELLED: "FAILED",
    Status.TIMEOUT: "FAILED",
}
TASK_WORDS = {"PENDING": "pending", "PROCESSING": "processing", "SUCCEEDED": "completed"}
DETAIL_STATUS = {status: TASK_WORDS.get(word, "failed") for status, word in TASK_STATUS.items()}
# The callbacks of C, and our own words. Source: C17, C19.
CALLBACK_STATUS = {
    status: {"PENDING": "waiting", "PROCESSING": "waiting", "SUCCEEDED": "success"}.get(
        word, "fail"
    )
    for status, word in TASK_STATUS.items()
}
OWN_STATUS = {status: status.value for status in Status}
SPELLINGS = (LIBRARY_STATUS, TASK_STATUS, DETAIL_STATUS, CALLBACK_STATUS, OWN_STATUS)


def statuses_named(word: str, dialect: Mapping[Status, str]) -> list[Status]:
    """The statuses a word names in this dialect, else in any; none for an unknown word."""
    for table in (dialect, *SPELLINGS):
        if found := [status for status, name in table.items() if name.lower() == word.lower()]:
            return found
    return []


class VideoId:
    """An id in a URL: a UUID, or `video_` and its 32 hex digits. Source: K8."""

    regex = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|video_[0-9a-fA-F]{32}"

    def to_python(self, value: str) -> UUID:
        return UUID(value.removeprefix("video_"))

    def to_url(self, value: UUID | str) -> str:
        return str(value)


def library_id(video_id: UUID) -> str:
    """An id in the answers that clients of system A read. Source: A13, K8."""
    return gateway_id(video_id) if settings.PREFIXED_VIDEO_IDS else str(video_id)


def library_video(video: Video) -> dict[str, Any]:
    """The video object of systems A and B, and its tags, which lists read at once beforehand."""
    return {**_library_video(video), "tags": [tag.name for tag in video.tags.all()]}


def _library_video(video: Video) -> dict[str, Any]:
    """The columns of the video object; times in unix seconds. Source: A13, A15, A19.

    With PREFIXED_VIDEO_IDS `openai_video_id` is always a text, as A prints it: the video's own id
    until an engine has taken the job.
    """
    done = video.status == Status.SUCCEEDED
    own_id = library_id(video.pk)
    return {
        "id": own_id,
        "user_id": str(video.user_id),
        "openai_video_id": video.engine_job_id or (own_id if settings.PREFIXED_VIDEO_IDS else None),
        "title": video.display_title,
        "prompt": video.prompt,
        "model": video.ordered_model,
        "made_with": {"model": video.model, "label": catalog().label(video.model)},
        "size": video.size,
        "seconds": str(video.seconds),
        "seed": video.seed,
        "negative_prompt": video.negative_prompt or None,
        "audio": video.audio,
        "status": LIBRARY_STATUS[Status(video.status)],
        "progress": int(video.progress),
        "queue_position": video.queue_position,
        "created_at": int(video.created_at.timestamp()),
        "completed_at": int(video.completed_at.timestamp()) if video.completed_at else None,
        "file_path": video.file.name or None,
        "thumbnail_path": video.thumbnail.name or None,
        "video_url": _content_url(video) if done else None,
        "thumbnail_url": _content_url(video, "?variant=thumbnail") if done else None,
        "error_message": failures.sentence(video) or None,
        "failure": failure(video),
        "has_input_reference": video.first_image_id is not None,
        "has_last_image": video.last_image_id is not None,
        "has_reference_images": video.operation == Video.Operation.REFERENCE,
        "operation": video.operation,
        **made_from(video),
        "take": _take(video),
        "credits": video.credits,
        "expires_at": int(video.expires_at.timestamp()) if video.expires_at else None,
    }


def made_from(video: Video, write: Callable[[UUID], str] = library_id) -> dict[str, str | None]:
    """The ids of what a video was made from: `edit_of` for an edit, `remix_of` for a remix."""
    is_edit = video.operation == Video.Operation.EDIT
    source = write(video.source_id) if video.source_id else None
    return {"remix_of": None if is_edit else source, "edit_of": source if is_edit else None}


def _take(video: Video) -> dict[str, Any] | None:
    """Which of several takes a video is; None for one that was ordered alone."""
    if video.take_group is None:
        return None
    return {
        "group": str(video.take_group),
        "number": video.take_number,
        "of": video.take_count,
        "picked": video.picked_at is not None,
    }


def gateway_id(video_id: UUID) -> str:
    """An id in the answers of /v1, whatever PREFIXED_VIDEO_IDS says."""
    return f"video_{video_id.hex}"


def gateway_video(video: Video) -> dict[str, Any]:
    """The video object of OpenAI's Videos API, and the `metadata` of its order."""
    found = failures.explain(video)
    return {
        "id": gateway_id(video.pk),
        "object": "video",
        "model": video.ordered_model,
        "status": LIBRARY_STATUS[Status(video.status)],
        "progress": int(video.progress),
        "prompt": video.prompt,
        "created_at": int(video.created_at.timestamp()),
        "completed_at": int(video.completed_at.timestamp()) if video.completed_at else None,
        "expires_at": int(video.expires_at.timestamp()) if video.expires_at else None,
        "size": video.size,
        "seconds": str(video.seconds),
        "remixed_from_video_id": gateway_id(video.source_id) if video.source_id else None,
        "error": {"code": found.code, "message": found.sentence} if found else None,
        "metadata": video.metadata,
    }


def aliased_video(video: Video) -> dict[str, Any]:
    """The object on paths of system B only, with its camelCase names too. Source: B16, B22, K6."""
    whole = library_video(video)
    done = video.status == Status.SUCCEEDED
    job_id = video.engine_job_id or None
    return {
        **whole,
        "id": str(video.pk),
        "openai_video_id": job_id,
        **made_from(video, str),
        "seconds": video.seconds,
        "userId": whole["user_id"],
        "openaiVideoId": job_id,
        "videoUrl": f"{settings.BASE_URL}/api/videos/{video.pk}/download" if done else None,
        "thumbnailUrl": whole["thumbnail_url"],
        "createdAt": iso(video.created_at),
        "updatedAt": iso(video.updated_at),
    }


def task(video: Video) -> dict[str, Any]:
    """The task of /api/videos/tasks/{id}. Source: C16."""
    done = video.status == Status.SUCCEEDED
    return {
        "task_id": str(video.pk),
        "status": TASK_STATUS[Status(video.status)],
        "progress": float(video.progress),
        "result_url": signed_urls.signed_url(video) if done else None,
        "error_message": failures.sentence(video) or None,
        "created_at": iso(video.created_at),
        "updated_at": iso(video.updated_at),
        "completed_at": iso(video.completed_at) if video.completed_at else None,
    }


def task_detail(video: Video) -> dict[str, Any]:
    """The task of /api/tasks. Source: C18."""
    from_image = video.operation in Video.WITH_IMAGES
    return {
        **task(video),
        "user_id": str(video.user_id),
        "task_type": "IMAGE_TO_VIDEO" if from_image else "TEXT_TO_VIDEO",
        "status": DETAIL_STATUS[Status(video.status)],
    }


def failure(video: Video) -> dict[str, Any] | None:
    """Why a video ended without a file, the `refunded` credits, and a `remedy`."""
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


KEYS_OF_AN_END = (
    "status", "progress", "completed_at", "video_url", "thumbnail_url", "error_message", "failure",
)  # fmt: skip


def update_event(video: Video) -> dict[str, Any]:
    """The event `video_update` of a video. Source: A22."""
    updates: dict[str, Any] = {"status": "deleted"}
    if not video.deleted_at and video.is_active:  # sent for each poll: only what is in it
        updates = {"status": LIBRARY_STATUS[Status(video.status)], "progress": int(video.progress)}
    elif not video.deleted_at:
        whole = _library_video(video)
        updates = {key: whole[key] for key in KEYS_OF_AN_END}
    return {
        "type": "video_update",
        "seq": video.sequence,
        "video_id": str(video.pk),
        "updates": updates,
    }


def webhook_body(video: Video, message_id: str, form: Video.WebhookFormat) -> dict[str, Any]:
    """The body of a webhook of a video that has ended."""
    if form == Video.WebhookFormat.OPENAI:
        return gateway_event(video, message_id)
    return callback_body(video)


def gateway_event(video: Video, event_id: str) -> dict[str, Any]:
    """The event of OpenAI's Videos API about a video that has ended; it names the video only."""
    ended = video.completed_at or video.updated_at
    done = video.status == Status.SUCCEEDED
    return {
        "id": event_id,
        "object": "event",
        "created_at": int(ended.timestamp()),
        "type": "video.completed" if done else "video.failed",
        "data": {"id": gateway_id(video.pk)},
    }


def callback_body(video: Video) -> dict[str, Any]:
    """The body of the webhook of a video that has ended. Source: C43."""
    done = video.status == Status.SUCCEEDED
    data: dict[str, Any] = {"taskId": str(video.pk), "state": "success" if done else "fail"}
    if done:
        data["resultJson"] = json.dumps({"resultUrls": [signed_urls.signed_url(video)]})
    elif found := failures.explain(video):
        data |= {"failCode": found.code, "failMsg": found.sentence}
    return {"code": 200 if done else 501, "msg": "success" if done else "fail", "data": data}


def _content_url(video: Video, query: str = "") -> str:
    return f"{settings.BASE_URL}/api/videos/{video.pk}/content{query}"
