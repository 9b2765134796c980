"""Previews: small films with a watermark, made of finished videos by the worker of edits.

A preview is no video of the library. It is stored apart from its video, free of credits, and
removed by a worker once it is discarded.
"""

from django.utils.translation import gettext as _

from videos.editing import job_states, recipes
from videos.editing.films import Work
from videos.editing.recipes import NotEditable, Recipe
from videos.models import MediaJob, Video

MOST_LINES = 480


def order(video: Video, text: str) -> MediaJob:
    """Have a preview made that shows `text` all over, in the caller's transaction.

    The caller holds the owner's feed. Raises NotEditable.
    """
    recipes.check(Recipe(mute=True), [video], None)
    if not Video.objects.filter(pk=video.pk, deleted_at=None).exists():
        raise NotEditable("videos", _("The video was deleted."))
    job = MediaJob(user_id=video.user_id, kind=MediaJob.Kind.PREVIEW, recipe={"mark": text})
    job_states.enqueue(job, [video])
    return job


def work_of(job: MediaJob) -> Work:
    """Return what a thread needs to make a preview, or to remove it."""
    source = job.videos[0]
    recipe = {"mark": job.recipe.get("mark", ""), "most_lines": MOST_LINES}
    made = Video(pk=job.pk, user_id=job.user_id, model=source.model, engine=source.engine)
    return Work(job.pk, job.attempts, recipe, [source], None, None, made, file_name(job))


def file_name(job: MediaJob) -> str:
    """The storage name of a preview."""
    return f"previews/{job.user_id}/{job.pk}.mp4"


def is_ready(job: MediaJob | None) -> bool:
    """Whether a preview is made and still there."""
    return job is not None and job.status == MediaJob.Status.SUCCEEDED and not job.needs_cleanup
