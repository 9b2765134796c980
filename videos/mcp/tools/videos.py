"""get_video, wait_for_video, list_videos, cancel_video and delete_video."""

from django.db.models import prefetch_related_objects

from videos import representations
from videos.jobs import cancellation, queue, removal, state_machine
from videos.library import listing
from videos.mcp import arguments, shapes
from videos.mcp.errors import Refused
from videos.mcp.shapes import array, optional, record, text
from videos.mcp.tools import waiting
from videos.mcp.tools.base import Answer, Call, Tool, own_video, reloaded
from videos.models import Video


def _get(call: Call) -> Answer:
    video = own_video(call.caller, call.arguments.video_id)
    queue.add_positions([video])
    return shapes.video(video)


def _list(call: Call) -> Answer:
    asked: arguments.ListVideos = call.arguments
    names = representations.LIBRARY_STATUS
    states = representations.statuses_named(asked.status, names) if asked.status else []
    found = listing.listed(call.caller.user, states, asked.search, asked.tag)
    if asked.after:
        last = own_video(call.caller, asked.after)
        found = found.filter(created_at__lte=last.created_at).exclude(
            created_at=last.created_at, pk__gte=last.pk
        )
    rows = list(found.newest()[: asked.limit + 1])
    page, has_more = rows[: asked.limit], len(rows) > asked.limit
    queue.add_positions(page)
    prefetch_related_objects(page, "tags")
    shown = [shapes.video(video) for video in page]
    return {"videos": shown, "next": shown[-1]["id"] if has_more else None}


def _cancel(call: Call) -> Answer:
    video = own_video(call.caller, call.arguments.video_id)
    try:
        cancellation.cancel(video)
    except state_machine.NotPossible as error:
        if reloaded(video.pk).status != Video.Status.CANCELLED:
            raise Refused(f"{error} Nothing was changed.") from error
    return shapes.video(reloaded(video.pk))


def _delete(call: Call) -> Answer:
    video = own_video(call.caller, call.arguments.video_id)
    removal.delete(video)
    return {"id": representations.library_id(video.pk), "deleted": True}


GET_VIDEO = Tool(
    name="get_video",
    title="Get a video",
    description=lambda: "Get one of the user's videos: its status, and its file when completed.",
    arguments=arguments.OneVideo,
    answer=shapes.video_schema,
    run=_get,
)
WAIT_FOR_VIDEO = Tool(
    name="wait_for_video",
    title="Wait until a video has ended",
    description=lambda: (
        "Wait until a video is completed or failed, with progress notifications, and return it."
        " Returns after 50 seconds at most with the status it has then: call it again until the"
        " status is completed or failed."
    ),
    arguments=arguments.WaitForVideo,
    answer=shapes.video_schema,
    run=_get,
    wait=waiting.wait,
)
LIST_VIDEOS = Tool(
    name="list_videos",
    title="List videos",
    description=lambda: "List the user's videos, newest first.",
    arguments=arguments.ListVideos,
    answer=lambda: record(
        videos=array(shapes.video_schema()),
        next=optional(text("Give it as after to get the next page; absent on the last one.")),
    ),
    run=_list,
)
CANCEL_VIDEO = Tool(
    name="cancel_video",
    title="Cancel a video",
    description=lambda: (
        "Stop a video that is queued or in progress; nothing is charged for it. It cannot be"
        " continued: ask the user first."
    ),
    arguments=arguments.OneVideo,
    answer=shapes.video_schema,
    run=_cancel,
    scope="generate",
    reads=False,
    destroys=True,
)
DELETE_VIDEO = Tool(
    name="delete_video",
    title="Delete a video",
    description=lambda: (
        "Delete a video and its file for good; one that has not ended is cancelled. It cannot be"
        " undone: ask the user first."
    ),
    arguments=arguments.OneVideo,
    answer=lambda: record(id=text("Which video."), deleted={"type": "boolean"}),
    run=_delete,
    scope="generate",
    reads=False,
    destroys=True,
    repeatable=False,
)
TOOLS = (GET_VIDEO, WAIT_FOR_VIDEO, LIST_VIDEOS, CANCEL_VIDEO, DELETE_VIDEO)
