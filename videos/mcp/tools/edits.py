"""edit_video and get_edit: the same edits as over the API, from the same functions."""

from functools import partial
from typing import Any
from uuid import UUID

from config.lib import idempotency
from config.lib.idempotency import RequestKey
from videos import representations
from videos.editing import failures, jobs
from videos.editing.jobs import EditOrder
from videos.editing.recipes import Join, Recipe, Reframe, Sound, Trim
from videos.mcp import arguments, permissions
from videos.mcp.errors import Refused
from videos.mcp.shapes import number, optional, record, text
from videos.mcp.tools.base import Answer, Call, Tool, own_video
from videos.mcp.tools.orders import request_key
from videos.media import upload_urls
from videos.models import MediaJob, Upload

NOT_FOUND = "There is no edit with this id."


def _edit(call: Call) -> Answer:
    key = request_key(call, "edit_video")
    return _shown(idempotency.run(key, partial(_order, call, key)).result)


def _order(call: Call, key: RequestKey | None) -> MediaJob:
    asked: arguments.EditVideo = call.arguments
    ids = [asked.video_id, *asked.join_video_ids]
    order = EditOrder(
        [own_video(call.caller, each) for each in ids],
        _recipe(asked),
        _sound(call, asked.sound_url),
        api_key_id=call.caller.api_key_id,
        max_credits=asked.max_credits,
    )
    return jobs.submit(call.caller.user, order, key)


def _recipe(asked: arguments.EditVideo) -> Recipe:
    is_trimmed = bool(asked.start) or asked.end is not None
    reframe = Reframe(asked.aspect, asked.aspect_fit, asked.position) if asked.aspect else None
    return Recipe(
        trim=Trim(asked.start, asked.end) if is_trimmed else None,
        join=Join(asked.join_fit, asked.crossfade) if asked.join_video_ids else None,
        reframe=reframe,
        speed=asked.speed,
        loops=asked.loop,
        mute=asked.mute,
        sound=Sound(asked.sound_mode, repeat=True) if asked.sound_url else None,
        poster=asked.poster,
    )


def _sound(call: Call, url: str) -> Upload | None:
    if not url:
        return None
    if found := upload_urls.find_sound(call.caller.user, url):
        return found
    raise Refused("sound_url: no sound file of yours has this address. Nothing was ordered.")


def _get(call: Call) -> Answer:
    try:
        pk = UUID(call.arguments.edit_id.strip())
    except ValueError as error:
        raise Refused(NOT_FOUND) from error
    job = MediaJob.objects.of(call.caller.user).filter(kind=MediaJob.Kind.EDIT, pk=pk).first()
    if job is None:
        raise Refused(NOT_FOUND)
    return _shown(job)


def _shown(job: MediaJob) -> Answer:
    return {
        "edit_id": str(job.pk),
        "status": job.status,
        "progress": int(job.progress),
        "video_id": representations.library_id(job.videos[0].pk),
        "result_id": representations.library_id(job.result_id) if job.result_id else None,
        "error": failures.sentence(job) or None,
    }


def _schema() -> dict[str, Any]:
    return record(
        edit_id=text("The id for get_edit."),
        status=text("Where it stands; the last three are final.", enum=MediaJob.Status.values),
        progress=number("Percent."),
        video_id=text("The video that is edited; it is not changed."),
        result_id=optional(text("The new video, for get_video, once it has succeeded.")),
        error=optional(text("Why there is no new video.")),
    )


EDIT_VIDEO = Tool(
    name="edit_video",
    title="Edit a video",
    description=lambda: (
        "Trim a completed video, join others to it, change its shape, speed or sound, or repeat it."
        " Makes a new video without any engine. Returns at once: call get_edit until it has ended."
    ),
    arguments=arguments.EditVideo,
    answer=_schema,
    run=_edit,
    scope="generate",
    limit=permissions.ORDERS,
    reads=False,
    repeatable=False,
)
GET_EDIT = Tool(
    name="get_edit",
    title="Get an edit",
    description=lambda: "Get how an edit stands, and the id of the video that it has made.",
    arguments=arguments.OneEdit,
    answer=_schema,
    run=_get,
)
TOOLS = (EDIT_VIDEO, GET_EDIT)
