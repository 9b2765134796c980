"""Make edits: claims due jobs, has threads run their processes, and records what became of them."""

import logging
import threading
import time
from datetime import datetime
from functools import partial
from uuid import UUID

from django.conf import settings

from config.lib.queues.leased_worker import LeasedWorker
from videos.editing import films, job_states, previews, recipes
from videos.editing.exports import making as exports
from videos.editing.exports import records as export_records
from videos.editing.films import Failed, Made, MadeExport, Outcome, Stopped, Task, Work
from videos.models import MediaJob, Video

log = logging.getLogger(__name__)

# How often the progress of jobs is written, and it is seen that they were cancelled.
WATCH_SECONDS = 0.5
SOUND_KINDS = {"audio/mpeg": "mp3", "audio/mp4": "mov", "audio/wav": "wav", "audio/ogg": "ogg"}


class MediaWorker(LeasedWorker[MediaJob, Outcome]):
    """Claims due jobs for its free threads; each thread has one process at work."""

    table = MediaJob
    # New jobs are announced, so that an idle worker need not ask often.
    idle_seconds = 2.0

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        # By job and lease: a job whose lease was lost may come again while its thread ends.
        self._work: dict[tuple[UUID, UUID | None], tuple[MediaJob, Work]] = {}
        self._watched = 0.0

    def _claim(self) -> None:
        self._watch_work()
        for job in job_states.claim_due(self._threads - len(self._rows)):
            task = _task_of(job)
            if job.status != MediaJob.Status.RUNNING:
                self._start(job, partial(_clean, task))
            elif code := _fault_of(job):
                job_states.fail(job, code)
            else:
                self._work[job.pk, job.lease] = (job, task.work)
                self._start(job, task.make)

    def _watch_work(self) -> None:
        """Write the progress of what runs, and stop what may not go on."""
        now = time.monotonic()
        if not self._work or now - self._watched < WATCH_SECONDS:
            return
        self._watched = now
        for job, work in self._work.values():
            if not job_states.record_progress(job, work.progress):
                work.stop.set()

    def _record(self, done: list[tuple[MediaJob, Outcome]]) -> None:
        for job, outcome in done:
            self._settle(job, outcome)
            self._work.pop((job.pk, job.lease), None)

    def _settle(self, job: MediaJob, outcome: Outcome) -> None:
        if job.status != MediaJob.Status.RUNNING:  # its files were to be removed
            if isinstance(outcome, Stopped):
                job_states.record_cleanup(job)
            return  # else it is due again after its lease
        match outcome:
            case Made() if job.kind == MediaJob.Kind.PREVIEW:
                kept = job_states.succeed_alone(job)
            case Made():
                kept = job_states.succeed(job, video_of(job, outcome), outcome.stored)
            case MadeExport():
                kept = export_records.record_made(job, outcome)
            case Failed(again=True) if job.attempts < settings.EDIT_ATTEMPTS:
                pause = job_states.RETRY_PAUSE
                kept = job_states.give_back(job, counts=True, pause=pause)
            case Failed():
                kept = job_states.fail(job, outcome.code, outcome.detail)
            case Stopped():
                kept = job_states.give_back(job, counts=False)
        if not kept:  # cancelled, or another worker has it
            job_states.release_for_cleanup(job)

    def _renew_leases(self, rows: list[MediaJob]) -> None:
        job_states.renew_leases(rows)

    def _next_due(self) -> datetime | None:
        return job_states.next_due()

    def finish(self, seconds: float) -> None:
        """Stop the processes and give their jobs back: an edit may take longer than `seconds`."""
        for _job, work in self._work.values():
            work.stop.set()
        super().finish(seconds)

    def close(self) -> None:
        for _job, work in self._work.values():
            work.stop.set()
        super().close()


def _fault_of(job: MediaJob) -> str:
    """Why a claimed job cannot be begun; "" if it can."""
    if job.attempts > settings.EDIT_ATTEMPTS:
        return "interrupted"
    if any(video.deleted_at for video in job.videos):
        return "source_deleted"
    is_edit = job.kind == MediaJob.Kind.EDIT
    if is_edit and recipes.of_job(job).sound and (job.sound is None or not job.sound.stored):
        return "sound_deleted"
    return ""


def _task_of(job: MediaJob) -> Task:
    if job.kind == MediaJob.Kind.EXPORT:
        return exports.task_of(job)
    return films.task_of(work_of(job))


def _clean(task: Task) -> Outcome:
    return Stopped() if task.clean() else Failed("not_removed", again=True)


def work_of(job: MediaJob) -> Work:
    """Return what a thread needs to make the film of a claimed job."""
    if job.kind == MediaJob.Kind.PREVIEW:
        return previews.work_of(job)
    recipe = job.recipe
    instructions = {
        "trim": recipe.get("trim"),
        **(recipe.get("join") or {}),
        "reframe": recipe.get("reframe"),
        "speed": recipe.get("speed", 1),
        "loops": recipe.get("loops", 1),
        "mute": recipe.get("mute", False),
        "track": recipe.get("sound"),
    }
    sound = None
    if job.sound:
        sound = (str(job.sound.file.name), SOUND_KINDS[job.sound.content_type])
    source = job.videos[0]
    # The engine is that of the source: it made the pictures.
    result = Video(pk=job.pk, user_id=job.user_id, model=source.model, engine=source.engine)
    poster = recipe.get("poster")
    return Work(job.pk, job.attempts, instructions, job.videos, sound, poster, result)


def video_of(job: MediaJob, made: Made) -> Video:
    """Return the video that a job has made, which is not stored yet.

    It is what its first source is, but for its size, its length and its file.
    """
    source, stored = job.videos[0], made.stored
    return Video(
        pk=job.pk,
        user_id=job.user_id,
        operation=Video.Operation.EDIT,
        source=source,
        prompt=source.prompt,
        search_text=source.search_text,
        title=source.title,
        model=source.model,
        requested_model=source.requested_model,
        size=f"{made.width}x{made.height}",
        seconds=max(round(made.seconds), 1),
        credits=job.credits,
        api_key_id=job.api_key_id,
        engine="",
        file=stored.file,
        file_bytes=stored.size_bytes,
        file_sha256=stored.sha256,
        thumbnail=stored.thumbnail,
        spritesheet=stored.spritesheet,
    )


def remove_leftovers() -> None:
    """Remove the folders of jobs that do not run, as a process that was killed leaves them."""
    found = dict(films.temporary_folders())
    if not found:
        return
    running = MediaJob.objects.filter(pk__in=found, status=MediaJob.Status.RUNNING)
    for pk in set(found) - set(running.values_list("pk", flat=True)):
        films.remove_temporary_files(pk)


def run(stop: threading.Event) -> None:
    """Make edits until `stop` is set; those that run by then are given back."""
    try:
        remove_leftovers()
    except Exception:  # a database outage must not keep the worker from starting
        log.exception("leftovers of edits could not be removed")
    MediaWorker(settings.EDIT_PROCESSES).run(stop)
