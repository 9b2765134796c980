"""Jobs of the sandbox: stored once, then only looked at.

A job's state follows from its row, the clock and its trigger words. What a row gains later are
facts that must not change again (when it was completed, that its render broke) and counters.
`owner` is the digest of the API key that created a job; no other key can see it.
"""

import dataclasses
import secrets
import sqlite3
import time
from dataclasses import dataclass
from typing import Literal

from django.conf import settings

from config.lib.sandbox.pace import pace_factor
from videos.sandbox import clip as clips
from videos.sandbox import job_timeline, renderer
from videos.sandbox.clip import Clip
from videos.sandbox.job_timeline import Stage
from videos.sandbox.request_parsing import CreateRequest
from videos.sandbox.store import STORE
from videos.sandbox.triggers import Triggers, caption

KEPT_SECONDS = 24 * 3600
# The type of an event that is a callback of kie.ai's kind.
CALLBACK = "callback"
MISMATCHED_SIZE = "640x360"


@dataclass(frozen=True, slots=True)
class Job:
    """One row; `pace` is the factor its durations were stored with."""

    id: str
    owner: str
    prompt: str
    model: str
    size: str
    seconds: str
    created_at: float
    pace: float
    remixed_from: str | None
    clip: Clip
    completed_at: int | None = None
    broken: bool = False

    @property
    def triggers(self) -> Triggers:
        return Triggers(self.prompt)

    @property
    def expires_at(self) -> int | None:
        return None if self.completed_at is None else self.completed_at + KEPT_SECONDS

    @property
    def due_at(self) -> float:
        """When its clock runs out; infinite for `[[hang]]`."""
        return self.created_at + job_timeline.takes_seconds(self.triggers, self.pace)


@dataclass(frozen=True, slots=True)
class Task:
    """What only kie.ai's API asks of a job: a callback, its whole request, its own address."""

    callback_url: str
    param: str
    base: str


def create(owner: str, request: CreateRequest, task: Task | None = None) -> Job:
    """Store a job with its event and order its clip."""
    text = caption(request.prompt)
    reference = renderer.keep_reference(request.reference) if request.reference else ""
    clip = Clip(text, request.size, int(request.seconds), text, reference=reference)
    return _store(
        owner, request.prompt, request.model, request.size, clip, remixed_from=None, task=task
    )


def remix(parent: Job, prompt: str) -> Job:
    """Store a job that repeats its parent with another prompt."""
    clip = Clip(
        caption(prompt),
        parent.size,
        int(parent.seconds),
        parent.clip.origin,
        generation=parent.clip.generation + 1,
        reference=parent.clip.reference,
    )
    return _store(parent.owner, prompt, parent.model, parent.size, clip, remixed_from=parent.id)


def _store(
    owner: str,
    prompt: str,
    model: str,
    size: str,
    clip: Clip,
    *,
    remixed_from: str | None,
    task: Task | None = None,
) -> Job:
    triggers = Triggers(prompt)
    job = Job(
        id=f"video_{secrets.token_hex(24)}",
        owner=owner,
        prompt=prompt,
        model=model,
        size=size,
        seconds=str(clip.seconds),
        created_at=time.time(),
        pace=pace_factor(settings.SANDBOX_SPEED),
        remixed_from=remixed_from,
        clip=dataclasses.replace(
            clip,
            size=MISMATCHED_SIZE if triggers.value("size") == "mismatch" else size,
            detail=settings.SANDBOX_DETAIL,
            silent=triggers.has("silent"),
        ),
    )
    with STORE.writing() as connection:
        connection.execute(
            "INSERT INTO job (id, owner, prompt, model, size, seconds, created_at, pace,"
            " remixed_from, clip) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(job.id, owner, prompt, model, size, job.seconds, job.created_at, job.pace),
                *(remixed_from, job.clip.to_json()),
            ),
        )
        if task:
            connection.execute(
                "INSERT INTO kie_task (job_id, callback_url, param, base) VALUES (?, ?, ?, ?)",
                (job.id, task.callback_url, task.param, task.base),
            )
        _plan_event(connection, job, task)
    if _needs_clip(job):
        renderer.begin(job.clip)
    return job


def _plan_event(connection: sqlite3.Connection, job: Job, task: Task | None) -> None:
    """Store the webhook event in the job's own transaction, so that neither exists alone."""
    fault, late_seconds = job.triggers.webhook()
    due_at = job.due_at + late_seconds * job.pace
    wanted = task.callback_url if task else settings.SANDBOX_WEBHOOK_URL
    if not wanted or fault == "none" or due_at == float("inf"):
        return
    kind = "completed" if job.triggers.ends_as() == "completed" else "failed"
    connection.execute(
        "INSERT INTO delivery (id, job_id, type, fault, due_at) VALUES (?, ?, ?, ?, ?)",
        (
            *(f"evt_{secrets.token_hex(16)}", job.id),
            *(CALLBACK if task else f"video.{kind}", fault, due_at),
        ),
    )


def find(owner: str, job_id: str) -> Job | None:
    """Return a job of this owner; the sandbox itself may look with `find_any`."""
    job = find_any(job_id)
    return job if job is not None and job.owner == owner else None


def find_any(job_id: str) -> Job | None:
    with STORE.reading() as connection:
        row = connection.execute("SELECT * FROM job WHERE id = ?", (job_id,)).fetchone()
    return _read(row) if row else None


_PAGE = {
    True: "SELECT * FROM job WHERE owner = ? AND sequence > ? ORDER BY sequence LIMIT ?",
    False: "SELECT * FROM job WHERE owner = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?",
}


def page(owner: str, *, after: str | None, limit: int, ascending: bool) -> tuple[list[Job], bool]:
    """Return up to `limit` jobs beyond the one named `after`, and whether more follow.

    Raises LookupError when `after` is not a job of this owner.
    """
    cursor = 0 if ascending else 2**62
    with STORE.reading() as connection:
        if after is not None:
            row = connection.execute(
                "SELECT sequence FROM job WHERE id = ? AND owner = ?", (after, owner)
            ).fetchone()
            if row is None:
                raise LookupError(after)
            cursor = row["sequence"]
        rows = connection.execute(_PAGE[ascending], (owner, cursor, limit + 1)).fetchall()
    return [_read(row) for row in rows[:limit]], len(rows) > limit


def _read(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        owner=row["owner"],
        prompt=row["prompt"],
        model=row["model"],
        size=row["size"],
        seconds=row["seconds"],
        created_at=row["created_at"],
        pace=row["pace"],
        remixed_from=row["remixed_from"],
        clip=clips.from_json(row["clip"]),
        completed_at=row["completed_at"],
        broken=bool(row["broken"]),
    )


def delete(job: Job) -> None:
    """Forget a job and its unsent event; a render it shares with other jobs stays."""
    with STORE.writing() as connection:
        connection.execute("DELETE FROM delivery WHERE job_id = ?", (job.id,))
        connection.execute("DELETE FROM kie_task WHERE job_id = ?", (job.id,))
        connection.execute("DELETE FROM job WHERE id = ?", (job.id,))


def observe(job: Job) -> tuple[Job, Stage]:
    """Look at a job now: settle what has become final and restart a render that got lost."""
    stage = job_timeline.stage(job.triggers, job.pace, time.time() - job.created_at)
    if job.completed_at is not None:
        return job, Stage("completed", 100, due=True)
    if not _needs_clip(job):
        return job, stage
    if job.broken or renderer.failed(job.clip):
        return _settle(job, "broken", 1), Stage("failed", stage.progress, due=True)
    if not renderer.ready(job.clip):
        renderer.ensure(job.clip)
        return job, Stage("in_progress", stage.progress) if stage.due else stage
    if stage.due:
        drawn_at = renderer.drawn_at(job.clip)
        settled = _settle(job, "completed_at", int(min(max(job.due_at, drawn_at), time.time())))
        return settled, Stage("completed", 100, due=True)
    return job, stage


def _needs_clip(job: Job) -> bool:
    return job.triggers.ends_as() == "completed" and not job.triggers.has("hang")


_SETTLE = {
    "completed_at": "UPDATE job SET completed_at = ?"
    " WHERE id = ? AND completed_at IS NULL AND broken = 0",
    "broken": "UPDATE job SET broken = ? WHERE id = ? AND completed_at IS NULL",
}


def _settle(job: Job, fact: Literal["completed_at", "broken"], value: int) -> Job:
    """Write a final fact unless another reader was first; return the row as it now is."""
    with STORE.writing() as connection:
        connection.execute(_SETTLE[fact], (value, job.id))
    return find_any(job.id) or job


_COUNT = {
    "polls": "UPDATE job SET polls = polls + 1 WHERE id = ? RETURNING polls",
    "downloads": "UPDATE job SET downloads = downloads + 1 WHERE id = ? RETURNING downloads",
}


def count(job: Job, what: Literal["polls", "downloads"]) -> int:
    """Count one request and return how many came before it."""
    with STORE.writing() as connection:
        row = connection.execute(_COUNT[what], (job.id,)).fetchone()
    return int(row[0]) - 1 if row else 0


def sight(owner: str, prompt: str) -> int:
    """Count one create with this very prompt and return how many came before it."""
    with STORE.writing() as connection:
        row = connection.execute(
            "INSERT INTO sighting (owner, prompt, times) VALUES (?, ?, 1)"
            " ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times",
            (owner, prompt),
        ).fetchone()
    return int(row[0]) - 1


def wait_seconds(owner: str, per_minute: int) -> float:
    """Count one create against `per_minute`; return how long to wait when it is one too many."""
    now = time.time()
    with STORE.writing() as connection:
        connection.execute("DELETE FROM attempt WHERE at < ?", (now - 60,))
        times = connection.execute(
            "SELECT at FROM attempt WHERE owner = ? ORDER BY at DESC LIMIT ?", (owner, per_minute)
        ).fetchall()
        if len(times) == per_minute:
            return max(float(times[-1]["at"]) + 60 - now, 0.001)
        connection.execute("INSERT INTO attempt (owner, at) VALUES (?, ?)", (owner, now))
    return 0.0
