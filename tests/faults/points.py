"""Where a process can be made to die: named steps of the product, each wrapped from outside."""

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
from videos.engines.openai import OpenAIVideos
from videos.jobs import orders, removal, state_machine
from videos.jobs.worker import claim, polls, settle
from videos.media import files
from videos.models import Video

Status = Video.Status
Burn = Callable[[], None]
Install = Callable[[Burn], None]
When = Callable[..., object]


def arm(name: str, passes: int = 1) -> None:
    """Have this process kill itself when it passes the point for the `passes`-th time."""
    passed, turn = count(1), threading.Lock()

    def burn() -> None:
        with turn:
            if next(passed) == passes:
                os.kill(os.getpid(), signal.SIGKILL)

    POINTS[name](burn)


def before(owner: Any, name: str) -> Install:
    """Die instead of the call."""

    def install(burn: Burn) -> None:
        real = getattr(owner, name)

        @wraps(real)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            burn()
            return real(*args, **kwargs)

        setattr(owner, name, wrapped)

    return install


def after(owner: Any, name: str, when: When = lambda *_, **__: True) -> Install:
    """Die once the call is done, where `when(result, *its arguments)` holds."""

    def install(burn: Burn) -> None:
        real = getattr(owner, name)

        @wraps(real)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = real(*args, **kwargs)
            if when(result, *args, **kwargs):
                burn()
            return result

        setattr(owner, name, wrapped)

    return install


def midway(burn: Burn) -> None:
    """Die when half of an MP4 has been written."""
    real = OpenAIVideos.download

    class Half:
        def __init__(self, to: IO[bytes]) -> None:
            self._to = to

        def write(self, chunk: bytes) -> None:
            self._to.write(chunk[: len(chunk) // 2])
            self._to.flush()
            burn()
            self._to.write(chunk[len(chunk) // 2 :])

    def download(self: OpenAIVideos, job_id: str, variant: Variant, to: Any) -> None:
        half: Any = Half(to)
        real(self, job_id, variant, half if variant is Variant.VIDEO else to)

    OpenAIVideos.download = download  # type: ignore[method-assign]


def writing(status: Status) -> Install:
    """The status is written, its transaction is not committed and moves no credits yet."""
    return after(feed, "publish_change", lambda _, video: video.status == status)


def written(status: Status) -> Install:
    """The status is committed."""
    return after(state_machine, "move", lambda done, video, to, **_: done and to == status)


def ended(status: Status) -> Install:
    """The end and its refund are committed."""
    return after(state_machine, "end", lambda done, video, to, **_: done and to == status)


def claiming(status: Status) -> Install:
    def touched(_: None, rows: object, to: Status, now: datetime, **fields: object) -> bool:
        changed = Video.objects.filter(status=status, claimed_at=now, updated_at=now)
        return to == status and changed.exists()

    return after(state_machine, "start", touched)


def claimed(status: Status) -> Install:
    return after(claim, "claim_due", lambda found, *_, **__: status in [v.status for v in found])


def refunded(*, grace: bool) -> Install:
    """The credits are back, the transaction is not committed; a user's own cancel has no grace."""
    return after(credits, "refund", lambda _, *__, **words: words["grace"] == grace)


WORKER_POINTS: dict[str, Install] = {
    "claim.before_commit": claiming(Status.SUBMITTING),
    "claim.after_commit": claimed(Status.SUBMITTING),
    "submit.before_post": before(OpenAIVideos, "submit"),
    "submit.after_post": after(OpenAIVideos, "submit"),
    "unknown.before_commit": writing(Status.SUBMIT_UNKNOWN),
    "unknown.after_commit": written(Status.SUBMIT_UNKNOWN),
    "find.after_answer": after(OpenAIVideos, "find"),
    "running.before_commit": writing(Status.RUNNING),
    "running.after_commit": after(settle, "_record_acceptance", lambda done, *_: done),
    "poll.after_answer": after(OpenAIVideos, "fetch"),
    "progress.before_commit": after(state_machine, "record_poll"),
    "progress.after_commit": after(polls, "record_polls", lambda _, polled: polled),
    "downloading.before_commit": writing(Status.DOWNLOADING),
    "downloading.after_commit": written(Status.DOWNLOADING),
    "download.midway": midway,
    "store.after_video_file": after(files, "_store"),
    "collect.after_all_files": after(files, "fetch_result"),
    "succeed.before_commit": writing(Status.SUCCEEDED),
    "succeed.after_commit": written(Status.SUCCEEDED),
    "fail.after_status_before_refund": writing(Status.FAILED),
    "fail.after_refund_before_commit": refunded(grace=True),
    "fail.after_commit": ended(Status.FAILED),
    "cleanup.after_engine_delete": after(OpenAIVideos, "delete"),
}
TIMEOUT_POINTS: dict[str, Install] = {
    "timeout.after_status_before_refund": writing(Status.TIMEOUT),
    "timeout.after_commit": ended(Status.TIMEOUT),
}
# Reached only while an order whose answer was lost is being looked for.
HEALING_POINTS: dict[str, Install] = {
    "heal.before_commit": claiming(Status.SUBMIT_UNKNOWN),
    "heal.after_commit": claimed(Status.SUBMIT_UNKNOWN),
}
ORDER_POINTS: dict[str, Install] = {
    "order.after_row_before_spend": before(credits, "spend"),
    "order.after_spend_before_commit": after(credits, "spend"),
    "order.after_commit_before_answer": after(orders, "submit"),
}
CANCEL_POINTS: dict[str, Install] = {
    "cancel.after_status_before_refund": writing(Status.CANCELLED),
    "cancel.before_commit": refunded(grace=False),
    "cancel.after_commit": after(state_machine, "cancel"),
    "delete.before_commit": after(feed, "publish_change", lambda _, video: video.deleted_at),
    "delete.after_commit": after(removal, "delete"),
}
WEB_POINTS = {**ORDER_POINTS, **CANCEL_POINTS}
POINTS = {**WORKER_POINTS, **TIMEOUT_POINTS, **HEALING_POINTS, **WEB_POINTS}
