"""Creating and remixing jobs: the row, its webhook event and its render."""

import dataclasses
import secrets
import sqlite3
import time
from dataclasses import dataclass

from django.conf import settings

from config.lib.sandbox.pace import pace_factor
from videos.sandbox.clip import Clip
from videos.sandbox.jobs import records
from videos.sandbox.jobs.records import CALLBACK, Job, KieTask
from videos.sandbox.jobs.status import needs_render
from videos.sandbox.rendering import renderer
from videos.sandbox.store import STORE
from videos.sandbox.triggers import Triggers, caption

MISMATCHED_SIZE = "640x360"


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A validated create request, with the bytes of its images."""

    prompt: str
    model: str
    size: str
    seconds: str
    first_image: bytes | None = None
    last_image: bytes | None = None
    references: tuple[bytes, ...] = ()


def create(owner: str, request: CreateRequest, task: KieTask | None = None) -> Job:
    """Store a job with its webhook event and order its render."""
    clip = Clip(
        caption(request.prompt),
        request.size,
        int(request.seconds),
        first_image=_store_image(request.first_image),
        last_image=_store_image(request.last_image),
        references=tuple(map(renderer.store_image, request.references)),
    )
    return _store(
        owner, request.prompt, request.model, request.size, clip, remixed_from=None, task=task
    )


def _store_image(data: bytes | None) -> str:
    return renderer.store_image(data) if data else ""


def remix(parent: Job, prompt: str) -> Job:
    """Store a job that keeps its parent's scene and changes what the prompt names."""
    clip = Clip(
        parent.clip.text,
        parent.size,
        int(parent.seconds),
        changes=(*parent.clip.changes, caption(prompt)),
        take=parent.clip.take,
        first_image=parent.clip.first_image,
        last_image=parent.clip.last_image,
        references=parent.clip.references,
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
    task: KieTask | None = None,
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
    # One transaction, so that a job never exists without its event, and takes that are ordered at
    # once have different numbers. Drafts of equal prompts share one render.
    with STORE.writing() as connection:
        if remixed_from is None and settings.SANDBOX_DETAIL != "draft":
            take = records.count_same(connection, owner, prompt)
            job = dataclasses.replace(job, clip=dataclasses.replace(job.clip, take=take))
        _insert(connection, job)
        if task:
            connection.execute(
                "INSERT INTO kie_task (job_id, callback_url, param, base) VALUES (?, ?, ?, ?)",
                (job.id, task.callback_url, task.param, task.base),
            )
        _schedule_event(connection, job, task)
    if needs_render(job):
        renderer.begin(job.clip)
    return job


def _insert(connection: sqlite3.Connection, job: Job) -> None:
    connection.execute(
        "INSERT INTO job (id, owner, prompt, model, size, seconds, created_at, pace,"
        " remixed_from, clip) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(job.id, job.owner, job.prompt, job.model, job.size, job.seconds),
            *(job.created_at, job.pace, job.remixed_from, job.clip.to_json()),
        ),
    )


def _schedule_event(connection: sqlite3.Connection, job: Job, task: KieTask | None) -> None:
    fault, late_seconds = job.triggers.webhook()
    due_at = job.due_at + late_seconds * job.pace
    url = task.callback_url if task else settings.SANDBOX_WEBHOOK_URL
    if not url or fault == "none" or due_at == float("inf"):
        return
    outcome = "completed" if job.triggers.ends_as() == "completed" else "failed"
    connection.execute(
        "INSERT INTO delivery (id, job_id, type, fault, due_at) VALUES (?, ?, ?, ?, ?)",
        (
            *(f"evt_{secrets.token_hex(16)}", job.id),
            *(CALLBACK if task else f"video.{outcome}", fault, due_at),
        ),
    )
