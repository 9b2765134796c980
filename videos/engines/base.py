"""Engines that render videos, behind one protocol; no other package knows which kind it uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import IO, Protocol

from django.conf import settings

from videos.engines import errors


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Variant(StrEnum):
    VIDEO = "video"
    THUMBNAIL = "thumbnail"
    SPRITESHEET = "spritesheet"


@dataclass(frozen=True)
class Image:
    """The first frame of an image order."""

    name: str
    content_type: str
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True)
class RenderRequest:
    """One submit: `source_id` is the engine's id of the video to remix; `token` is our own id.

    `callback_url` is where an engine that is told so calls back; `heard` are the job ids that
    such calls named before the answer to the submit did.
    """

    token: str
    prompt: str
    model: str
    size: str
    seconds: int
    image: Image | None = None
    source_id: str = ""
    callback_url: str = ""
    heard: tuple[str, ...] = ()


@dataclass(frozen=True)
class Callback:
    """What a webhook says: something about a job; `event` is the same when it is said again."""

    job_id: str
    event: str
    state: "JobState | None" = None


@dataclass(frozen=True)
class Job:
    """An engine's answer about one job; `progress` is 0..100, None when it does not say."""

    id: str
    state: JobState
    progress: float | None = None
    failure: errors.Refused | None = None
    prompt: str = ""
    model: str = ""
    size: str = ""
    seconds: str = ""
    created_at: datetime | None = None
    poll_after: float | None = None


class Engine(Protocol):
    """One engine. Every call goes over the network and raises EngineError."""

    name: str

    def submit(self, order: RenderRequest) -> Job:
        """Exactly one request; never retried inside."""

    def find(self, order: RenderRequest, since: datetime) -> list[Job]:
        """Jobs there that `order` may have become, since a moment. Raises Unsupported."""

    def fetch(self, job_id: str) -> Job:
        """Where a job stands."""

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        """Write a finished job's file to `to`."""

    def delete(self, job_id: str) -> None:
        """Remove a job; one that is not there counts as removed."""

    def heard(self, headers: Mapping[str, str], body: bytes, *, vouched: bool = False) -> Callback:
        """What a genuine webhook speaks of; `vouched` when its address was a secret of its own.

        Raises AuthFailed for a forged one, InvalidRequest for one that names no job.
        """


@cache
def get(name: str) -> Engine:
    """The configured engine of this name. Raises KeyError."""
    config = settings.ENGINES[name]
    adapter = import_module(f"videos.engines.{config['adapter']}")
    made: Engine = adapter.connect(name, config)
    return made
