"""The status of a job: computed from its row, the clock and its trigger words at every read.

Final facts (when it was completed, that its render failed) are stored once and never change.
"""

import time
from typing import Literal

from videos.sandbox.jobs import records, timeline
from videos.sandbox.jobs.records import Job
from videos.sandbox.jobs.timeline import Stage
from videos.sandbox.rendering import renderer
from videos.sandbox.store import STORE


def observe(job: Job) -> tuple[Job, Stage]:
    """Return a job as it is now with its stage; store what has become final.

    A render that was lost with its process is started again.
    """
    stage = timeline.stage(job.triggers, job.pace, time.time() - job.created_at)
    if job.completed_at is not None:
        return job, Stage("completed", 100, due=True)
    if not needs_render(job):
        return job, stage
    if job.render_failed or renderer.failed(job.clip):
        return _store_fact(job, "render_failed", 1), Stage("failed", stage.progress, due=True)
    if not renderer.ready(job.clip):
        renderer.ensure(job.clip)
        return job, timeline.while_rendering(stage, renderer.encoded_percent(job.clip))
    if stage.due:
        rendered_at = renderer.rendered_at(job.clip)
        completed_at = int(min(max(job.due_at, rendered_at), time.time()))
        return _store_fact(job, "completed_at", completed_at), Stage("completed", 100, due=True)
    return job, stage


def needs_render(job: Job) -> bool:
    return job.triggers.ends_as() == "completed" and not job.triggers.has("hang")


_UPDATE = {
    "completed_at": "UPDATE job SET completed_at = ?"
    " WHERE id = ? AND completed_at IS NULL AND render_failed = 0",
    "render_failed": "UPDATE job SET render_failed = ? WHERE id = ? AND completed_at IS NULL",
}


def _store_fact(job: Job, fact: Literal["completed_at", "render_failed"], value: int) -> Job:
    """Store a final fact unless another process was first; return the row as it now is."""
    with STORE.writing() as connection:
        connection.execute(_UPDATE[fact], (value, job.id))
    return records.find(job.id) or job
