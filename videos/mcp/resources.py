"""Resources: the prices, and each of the user's videos with its poster."""

import json
from dataclasses import dataclass

from django.conf import settings
from django.core.files.storage import default_storage

from accounts.auth.callers import Caller
from videos import representations
from videos.jobs import queue
from videos.mcp import shapes
from videos.mcp.errors import Refused
from videos.mcp.tools import catalog
from videos.mcp.tools.base import own_video
from videos.models import Video

PRICES = "firstlight://prices"
VIDEO = "firstlight://videos/{video_id}"
PREFIX = VIDEO.removesuffix("{video_id}")
MOST_LISTED = 20
JSON, WEBP = "application/json", "image/webp"


@dataclass(frozen=True)
class Content:
    """A part of a resource: JSON as text, or an image as bytes."""

    uri: str
    mime_type: str
    body: str | bytes


def uri_of(video: Video) -> str:
    return f"{PREFIX}{representations.library_id(video.pk)}"


def latest(caller: Caller) -> list[Video]:
    """The user's latest videos, of which a list of resources names no more than these."""
    return list(Video.objects.of(caller.user).newest()[:MOST_LISTED])


def read(caller: Caller, uri: str) -> list[Content]:
    """Return what stands at an address. Raises Refused for an unknown one."""
    if uri == PRICES:
        return [Content(uri, JSON, _json({"currency": _currency(), "models": catalog.models()}))]
    if not uri.startswith(PREFIX):
        raise Refused(f"There is no such resource. There are {PRICES} and {VIDEO}.")
    video = own_video(caller, uri.removeprefix(PREFIX))
    queue.add_positions([video])
    return [Content(uri, JSON, _json(shapes.video(video))), *_poster(video)]


def _poster(video: Video) -> list[Content]:
    """The still image of a finished video, small enough for a model to look at."""
    if video.status != Video.Status.SUCCEEDED or not video.thumbnail:
        return []
    try:
        with default_storage.open(str(video.thumbnail.name), "rb") as file:
            return [Content(f"{uri_of(video)}/poster", WEBP, file.read())]
    except FileNotFoundError:
        return []


def _json(body: object) -> str:
    return json.dumps(shapes.without_nulls(body), ensure_ascii=False)


def _currency() -> str:
    return "credits" if settings.BILLING else "free"
