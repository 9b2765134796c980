"""What a tool is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.auth.callers import Caller
from config.lib.rate_limits import Limit
from videos.jobs import queue
from videos.library import own_videos
from videos.mcp import arguments
from videos.mcp.arguments import Arguments
from videos.mcp.errors import Refused
from videos.mcp.shapes import Schema
from videos.models import Video

Answer = dict[str, Any]
Report = Callable[[float, str], Awaitable[None]]
ANYTIME: Limit = "other"


@dataclass(frozen=True)
class Call:
    """A call of a tool: who calls, and its arguments as the tool's `arguments` parsed them."""

    caller: Caller
    arguments: Any


@dataclass(frozen=True)
class Tool:
    """A tool. `run` asks the database, in a thread, and returns the answer.

    A tool with `wait` is not answered yet then: `wait` reports progress and returns the answer.
    """

    name: str
    title: str
    description: Callable[[], str]
    arguments: type[Arguments]
    answer: Callable[[], Schema]
    run: Callable[[Call], Answer]
    scope: str = "read"
    limit: Limit = ANYTIME
    reads: bool = True
    destroys: bool = False
    repeatable: bool = True
    is_about_credits: bool = False
    enums: Callable[[], Mapping[str, Schema]] = dict
    wait: Callable[[Call, Report], Awaitable[Answer]] | None = None

    def schema(self) -> Schema:
        """The JSON schema of the arguments, with what the catalog offers at the moment."""
        schema = arguments.schema_of(self.arguments)
        for name, known in self.enums().items():
            stated = schema["properties"][name]
            kind = {} if "anyOf" in known else {"type": stated["type"]}
            schema["properties"][name] = {**kind, **known}
        return schema


def own_video(caller: Caller, text: str) -> Video:
    """Return the caller's video of this id. Raises Refused, also for another user's video."""
    video = own_videos.find(caller.user, arguments.video_id_of(text))
    if video is None:
        raise Refused(arguments.NOT_FOUND)
    return video


def reloaded(video_id: UUID) -> Video:
    """Return a video with its place in the queue."""
    video = Video.objects.get(pk=video_id)
    queue.add_positions([video])
    return video
