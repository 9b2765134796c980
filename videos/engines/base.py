"""Engines that render videos, behind one protocol; nothing above this package knows which one.

EngineError              something went wrong; `retryable` says whether the same may work later
├── Unavailable            no answer, or 5xx; `maybe_accepted` on a submit whose answer is lost
├── RateLimited            certainly not accepted; try again after `retry_after` seconds
├── NotReady               the file is not there yet
├── BadAnswer              an answer that cannot be understood
└── Refused                final
    ├── InvalidRequest     the order itself is at fault
    ├── Blocked            the engine's content check
    ├── OutOfCredit        the operator's account there is empty
    ├── AuthFailed         the operator's key there is wrong
    ├── NotFound           no such job
    ├── Gone               the file has expired there
    └── Unsupported        this engine cannot do that
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import IO, Protocol

from django.conf import settings


class EngineError(Exception):
    """`code` is ours or the engine's short word, `detail` its own text, for staff only."""

    retryable = False
    code = "upstream_error"

    def __init__(
        self,
        detail: str,
        *,
        code: str = "",
        retry_after: float | None = None,
        maybe_accepted: bool = False,
    ) -> None:
        self.code = storable(code or self.code)[:64]
        self.detail = storable(detail)[:2000]
        self.retry_after = retry_after
        self.maybe_accepted = maybe_accepted
        super().__init__(f"{self.code}: {self.detail}")


def storable(text: str) -> str:
    """An engine's text without what a database refuses: NUL and lone surrogates."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


class Unavailable(EngineError):
    retryable = True
    code = "upstream_unavailable"


class RateLimited(EngineError):
    retryable = True
    code = "upstream_busy"


class NotReady(EngineError):
    retryable = True
    code = "not_ready"


class BadAnswer(EngineError):
    retryable = True
    code = "bad_answer"


class Refused(EngineError):
    code = "refused"


class InvalidRequest(Refused):
    code = "invalid_request"


class Blocked(Refused):
    code = "moderation_blocked"


class OutOfCredit(Refused):
    code = "upstream_out_of_credit"


class AuthFailed(Refused):
    code = "upstream_auth"


class NotFound(Refused):
    code = "upstream_lost_job"


class Gone(Refused):
    code = "result_expired"


class Unsupported(Refused):
    code = "unsupported"


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
    failure: Refused | None = None
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
