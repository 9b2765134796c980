"""The rows of jobs: read, list and delete.

`owner` is the digest of the API key that created a job; no other key can see it.
"""

import sqlite3
import time
from dataclasses import dataclass

from videos.sandbox import clip as clips
from videos.sandbox.clip import Clip
from videos.sandbox.jobs import timeline
from videos.sandbox.store import STORE
from videos.sandbox.triggers import Triggers

KEPT_SECONDS = 24 * 3600
# The type of a delivery that is a callback of kie.ai's API.
CALLBACK = "callback"


@dataclass(frozen=True, slots=True)
class Job:
    """One row; `pace` is the factor its durations are multiplied with."""

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
    render_failed: bool = False

    @property
    def triggers(self) -> Triggers:
        return Triggers(self.prompt)

    @property
    def expires_at(self) -> int | None:
        return None if self.completed_at is None else self.completed_at + KEPT_SECONDS

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and time.time() >= self.expires_at

    @property
    def due_at(self) -> float:
        """When the job ends, in unix seconds; infinite for `[[hang]]`."""
        return self.created_at + timeline.duration_seconds(self.triggers, self.pace)


@dataclass(frozen=True, slots=True)
class KieTask:
    """What kie.ai's API stores beside a job: callback address, request body, own base URL."""

    callback_url: str
    param: str
    base: str


def find_own(owner: str, job_id: str) -> Job | None:
    """Return a job of this owner, None for anyone else's."""
    job = find(job_id)
    return job if job is not None and job.owner == owner else None


def find(job_id: str) -> Job | None:
    """Return a job of any owner."""
    with STORE.reading() as connection:
        row = connection.execute("SELECT * FROM job WHERE id = ?", (job_id,)).fetchone()
    return _from_row(row) if row else None


_PAGE = {
    True: "SELECT * FROM job WHERE owner = ? AND sequence > ? ORDER BY sequence LIMIT ?",
    False: "SELECT * FROM job WHERE owner = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?",
}


def list_page(
    owner: str, *, after: str | None, limit: int, ascending: bool
) -> tuple[list[Job], bool]:
    """Return up to `limit` jobs after the one named `after`, and whether more follow.

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
    return [_from_row(row) for row in rows[:limit]], len(rows) > limit


def count_same(connection: sqlite3.Connection, owner: str, prompt: str) -> int:
    """Return how many jobs this owner has with this very prompt."""
    row = connection.execute(
        "SELECT COUNT(*) FROM job WHERE owner = ? AND prompt = ?", (owner, prompt)
    ).fetchone()
    return int(row[0])


def _from_row(row: sqlite3.Row) -> Job:
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
        render_failed=bool(row["render_failed"]),
    )


def delete(job: Job) -> None:
    """Delete a job and its unsent event; a render it shares with other jobs stays."""
    with STORE.writing() as connection:
        connection.execute("DELETE FROM delivery WHERE job_id = ?", (job.id,))
        connection.execute("DELETE FROM kie_task WHERE job_id = ?", (job.id,))
        connection.execute("DELETE FROM job WHERE id = ?", (job.id,))
