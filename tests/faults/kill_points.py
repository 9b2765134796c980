"""The named steps of the product at which a process can kill itself, each wrapped from outside."""

import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from itertools import count
from typing import IO, Any

from billing.ledger import credits
from videos import feed
from videos.engines.base import Variant
from videos.engines.comfyui import ComfyUI
from videos.engines.fal import Fal
from videos.engines.gemini import Gemini
from videos.engines.openai import OpenAIVideos
from videos.engines.replicate import Replicate
from videos.engines.runway import Runway
from videos.jobs import batches, cancellation, orders, removal, state_machine
from videos.jobs.worker import claim, polls, settle
from videos.media import files
from videos.models import Video

Status = Video.Status
Crash = Callable[[], None]
Install = Callable[[Crash], None]
Condition = Callable[..., object]


def arm(name: str, passes: int = 1) -> None:
    """Have this process kill itself when it passes the point for the `passes`-th time."""
    passed, turn = count(1), threading.Lock()

    def crash() -> None:
        with turn:
            if next(passed) == passes:
                os.kill(os.getpid(), signal.SIGKILL)

    POINTS[name](crash)


def before(owner: Any, name: str) -> Install:
    """Crash instead of the call."""

    def install(crash: Crash) -> None:
        real = getattr(owner, name)

        @wraps(real)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            crash()
            return real(*args, **kwargs)

        setattr(owner, name, wrapped)

    return install


def after(owner: Any, name: str, condition: Condition = lambda *_, **__: True) -> Install:
    """Crash after the call when `condition(result, *arguments)` holds."""

    def install(crash: Crash) -> None:
        real = getattr(owner, name)

        @wraps(real)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = real(*args, **kwargs)
            if condition(result, *args, **kwargs):
                crash()
            return result

        setattr(owner, name, wrapped)

    return install


def after_half_the_file(crash: Crash) -> None:
    """Crash when half of an MP4 has been written."""
    real = OpenAIVideos.download

    class HalfWriter:
        def __init__(self, to: IO[bytes]) -> None:
            self._to = to

        def write(self, chunk: bytes) -> None:
            self._to.write(chunk[: len(chunk) // 2])
            self._to.flush()
            crash()
            self._to.write(chunk[len(chunk) // 2 :])

    def download(self: OpenAIVideos, job_id: str, variant: Variant, to: Any) -> None:
        half: Any = HalfWriter(to)
        real(self, job_id, variant, half if variant is Variant.VIDEO else to)

    OpenAIVideos.download = download  # type: ignore[method-assign]


def before_status_commit(status: Status) -> Install:
    """Crash when the status is written, before its transaction moves credits and commits."""
    return after(feed, "publish_change", lambda _, video: video.status == status)


def after_status_commit(status: Status) -> Install:
    """Crash when the status is committed."""
    return after(state_machine, "move", lambda done, video, to, **_: done and to == status)


def after_end_commit(status: Status) -> Install:
    """Crash when the end and its refund are committed."""
    return after(state_machine, "end", lambda done, video, to, **_: done and to == status)


def before_claim_commit(status: Status) -> Install:
    def touched(_: None, rows: object, to: Status, now: datetime, **fields: object) -> bool:
        changed = Video.objects.filter(status=status, claimed_at=now, updated_at=now)
        return to == status and changed.exists()

    return after(state_machine, "start", touched)


def after_claim_commit(status: Status) -> Install:
    return after(claim, "claim_due", lambda found, *_, **__: status in [v.status for v in found])


def after_refund(*, grace: bool) -> Install:
    """Crash when the credits are refunded, before the commit; a cancel by the user has no grace."""
    return after(credits, "refund", lambda _, *__, **words: words["grace"] == grace)


WORKER_POINTS: dict[str, Install] = {
    "claim.before_commit": before_claim_commit(Status.SUBMITTING),
    "claim.after_commit": after_claim_commit(Status.SUBMITTING),
    "submit.before_post": before(OpenAIVideos, "submit"),
    "submit.after_post": after(OpenAIVideos, "submit"),
    "unknown.before_commit": before_status_commit(Status.SUBMIT_UNKNOWN),
    "unknown.after_commit": after_status_commit(Status.SUBMIT_UNKNOWN),
    "find.after_answer": after(OpenAIVideos, "find"),
    "running.before_commit": before_status_commit(Status.RUNNING),
    "running.after_commit": after(settle, "_record_acceptance", lambda done, *_: done),
    "poll.after_answer": after(OpenAIVideos, "read_poll"),
    "progress.before_commit": after(state_machine, "record_polls", lambda done, _: done),
    "progress.after_commit": after(polls, "record_polls", lambda _, polled: polled),
    "downloading.before_commit": before_status_commit(Status.DOWNLOADING),
    "downloading.after_commit": after_status_commit(Status.DOWNLOADING),
    "download.midway": after_half_the_file,
    "store.after_video_file": after(files, "_store"),
    "collect.after_all_files": after(files, "fetch_result"),
    "succeed.before_commit": before_status_commit(Status.SUCCEEDED),
    "succeed.after_commit": after_status_commit(Status.SUCCEEDED),
    "fail.after_status_before_refund": before_status_commit(Status.FAILED),
    "fail.after_refund_before_commit": after_refund(grace=True),
    "fail.after_commit": after_end_commit(Status.FAILED),
    "cleanup.after_engine_delete": after(OpenAIVideos, "delete"),
}
TIMEOUT_POINTS: dict[str, Install] = {
    "timeout.after_status_before_refund": before_status_commit(Status.TIMEOUT),
    "timeout.after_commit": after_end_commit(Status.TIMEOUT),
}
# Reached only while the engine is searched for a job whose answer was lost.
SEARCH_POINTS: dict[str, Install] = {
    "search.before_commit": before_claim_commit(Status.SUBMIT_UNKNOWN),
    "search.after_commit": after_claim_commit(Status.SUBMIT_UNKNOWN),
}
# Reached only while the file of a failed video is fetched again.
RESCUE_POINTS: dict[str, Install] = {
    "rescue.after_all_files": after(files, "fetch_result", lambda _, __, video: video.is_lost),
    "rescue.before_commit": after(feed, "publish_change", lambda _, video: video.rescued_at),
    "rescue.after_commit": after(state_machine, "rescue", lambda done, *_, **__: done),
}
ORDER_POINTS: dict[str, Install] = {
    "order.after_row_before_spend": before(credits, "spend"),
    "order.after_spend_before_commit": after(credits, "spend"),
    "order.after_commit_before_answer": after(orders, "submit"),
}
BATCH_POINTS: dict[str, Install] = {"batch.after_commit": after(batches, "order")}
CANCEL_POINTS: dict[str, Install] = {
    "cancel.after_status_before_refund": before_status_commit(Status.CANCELLED),
    "cancel.before_commit": after_refund(grace=False),
    "cancel.after_commit": after(cancellation, "cancel"),
    "delete.before_commit": after(feed, "publish_change", lambda _, video: video.deleted_at),
    "delete.after_commit": after(removal, "delete"),
}
# The engine has a job that we do not know of yet, and an answer that we have not recorded.
ENGINE_POINTS: dict[str, Install] = {
    f"{kind}.{point}": after(adapter, method)
    for kind, adapter, poll in (
        ("fal", Fal, "fetch"), ("comfyui", ComfyUI, "fetch"), ("gemini", Gemini, "fetch"),
        ("replicate", Replicate, "read_poll"), ("runway", Runway, "read_poll"),
    )
    for point, method in {"submit.after_post": "submit", "poll.after_answer": poll}.items()
}  # fmt: skip
WEB_POINTS = {**ORDER_POINTS, **BATCH_POINTS, **CANCEL_POINTS}
POINTS = {
    **WORKER_POINTS,
    **TIMEOUT_POINTS,
    **SEARCH_POINTS,
    **RESCUE_POINTS,
    **ENGINE_POINTS,
    **WEB_POINTS,
}
