"""Engines that render videos, behind one protocol; no other package knows which kind it uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import IO, Any, Protocol

from django.conf import settings

from videos.engines import errors
from videos.engines.result_streams import Part, ResultStream


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
    """An image of an order: first frame, last frame or reference."""

    name: str
    content_type: str
    open: Callable[[], IO[bytes]]


@dataclass(frozen=True)
class RenderRequest:
    """What an engine is asked to render; `token` is our id of the video.

    `model` is the model's name at the engine, and `fields` are the input fields that the engine
    takes for it, with the placeholders of videos.engines.templates. `first_image` and `last_image`
    are frames; `audio` is None where the order does not say. `source_id` is the engine's id of the
    video to remix, `callback_url` the URL for its callbacks, and `callback_job_ids` are the jobs
    that callbacks named before the submit was answered.
    """

    token: str
    prompt: str
    model: str
    size: str
    seconds: int
    first_image: Image | None = None
    source_id: str = ""
    callback_url: str = ""
    callback_job_ids: tuple[str, ...] = ()
    aspect: str = ""  # such as "16:9"
    resolution: str = ""  # such as "720p"
    last_image: Image | None = None
    references: tuple[Image, ...] = ()
    seed: int | None = None
    negative_prompt: str = ""
    audio: bool | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def width(self) -> int:
        return int(self.size.split("x")[0])

    @property
    def height(self) -> int:
        return int(self.size.split("x")[1])


@dataclass(frozen=True)
class Cost:
    """An amount of money, in a currency such as "USD"."""

    amount: Decimal
    currency: str


# An adapter may append to an engine's id of a job what it needs to address it, after this sign.
ID_SEPARATOR = "#"


@dataclass(frozen=True)
class Callback:
    """A verified callback about a job; `event` is equal when the engine repeats it.

    `job_id` is the engine's own id: without what the adapter appends to the id of a Job.
    """

    job_id: str
    event: str
    state: "JobState | None" = None


@dataclass(frozen=True)
class Job:
    """What an engine answers about a job; `progress` is 0..100, None when it is not given.

    `queue_position` counts from 1 while the job waits at the engine; `cost` is what the engine says
    that it charges, in its own currency. Until `expires_at` it keeps the file of a finished job, if
    it says so.
    """

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
    queue_position: int | None = None
    cost: "Cost | None" = None
    expires_at: datetime | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether the job has not ended at the engine."""
        return self.state in {JobState.QUEUED, JobState.RUNNING}


def ids_named(job_id: str) -> set[str]:
    """Return the ids by which callbacks may name a job: its stored one and the engine's own."""
    return {job_id, job_id.partition(ID_SEPARATOR)[0]}


class Engine(Protocol):
    """One engine. Every method but read_callback uses the network; all raise EngineError."""

    name: str

    def check(self) -> None:
        """Ask the engine something cheap with its key, never for a job."""

    def submit(self, order: RenderRequest) -> Job:
        """Submit the order in exactly one request, never retried."""

    def find(self, order: RenderRequest, since: datetime) -> list[Job]:
        """Jobs since then that may belong to this order, newest first. Raises Unsupported."""

    def fetch(self, job_id: str) -> Job:
        """Poll a job."""

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        """Write a file of a finished job to `to`."""

    def open_result(self, job_id: str, part: Part) -> ResultStream:
        """Open a part of the video of a finished job, which is read while the engine sends it."""

    def delete(self, job_id: str) -> None:
        """Delete a job; one that does not exist counts as deleted."""

    def read_callback(
        self, headers: Mapping[str, str], body: bytes, *, from_secret_url: bool = False
    ) -> Callback:
        """Verify a callback and read it; `from_secret_url` says it came to a signed URL of ours.

        Raises AuthFailed for a forged callback, InvalidRequest for one that names no job.
        """


@cache
def get(name: str) -> Engine:
    """The configured engine of this name. Raises KeyError."""
    config = settings.ENGINES[name]
    adapter = import_module(f"videos.engines.{config['adapter']}")
    engine: Engine = adapter.connect(name, config)
    return engine


def is_sandbox(name: str) -> bool:
    """Whether the engine of this name is a sandbox, which charges nothing."""
    return bool(settings.ENGINES.get(name, {}).get("is_sandbox"))
