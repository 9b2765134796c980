"""Counters behind limited faults (`x3`, `[[once]]`) and the rate limit."""

import time
from typing import Literal

from videos.sandbox.jobs.records import Job
from videos.sandbox.store import STORE

_COUNT = {
    "polls": "UPDATE job SET polls = polls + 1 WHERE id = ? RETURNING polls",
    "downloads": "UPDATE job SET downloads = downloads + 1 WHERE id = ? RETURNING downloads",
}


def count_request(job: Job, kind: Literal["polls", "downloads"]) -> int:
    """Count one request for a job and return how many came before it."""
    with STORE.writing() as connection:
        row = connection.execute(_COUNT[kind], (job.id,)).fetchone()
    return int(row[0]) - 1 if row else 0


def count_create(owner: str, prompt: str) -> int:
    """Count one create of an owner with this very prompt and return how many came before it."""
    with STORE.writing() as connection:
        row = connection.execute(
            "INSERT INTO prompt_count (owner, prompt, times) VALUES (?, ?, 1)"
            " ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times",
            (owner, prompt),
        ).fetchone()
    return int(row[0]) - 1


def seconds_until_allowed(owner: str, per_minute: int) -> float:
    """Count one create against a limit; return the seconds to wait when it is one too many."""
    now = time.time()
    with STORE.writing() as connection:
        connection.execute("DELETE FROM create_request WHERE at < ?", (now - 60,))
        times = connection.execute(
            "SELECT at FROM create_request WHERE owner = ? ORDER BY at DESC LIMIT ?",
            (owner, per_minute),
        ).fetchall()
        if len(times) == per_minute:
            return max(float(times[-1]["at"]) + 60 - now, 0.001)
        connection.execute("INSERT INTO create_request (owner, at) VALUES (?, ?)", (owner, now))
    return 0.0
