"""Ledger keys and descriptions of what a video costs."""

from uuid import UUID

from django.utils.text import Truncator

from videos.catalog import prices
from videos.catalog.reading import catalog
from videos.models import MediaJob, Video

# How many characters of the prompt a description has.
PROMPT_START = 57


def spend_key(video: Video) -> str:
    """The key of the ledger entry that charges a video; an edited one has the id of its job."""
    if video.operation == Video.Operation.EDIT:
        return job_spend_key(video.pk)
    return f"video:{video.pk}:spend"


def refund_key(video: Video) -> str:
    """The key of the ledger entry that refunds a video."""
    if video.operation == Video.Operation.EDIT:
        return job_refund_key(video.pk)
    return f"video:{video.pk}:refund"


def job_spend_key(job_id: UUID) -> str:
    """The key of the ledger entry that charges a media job."""
    return f"edit:{job_id}:spend"


def job_refund_key(job_id: UUID) -> str:
    """The key of the ledger entry that refunds a media job."""
    return f"edit:{job_id}:refund"


def describe_edit(video: Video) -> str:
    """The charge of an edit of this video, as the credit history shows it."""
    start = Truncator(video.display_title).chars(PROMPT_START, truncate="").rstrip(" .\n")
    return f"Edit: {start}..."


def describe_job(job: MediaJob) -> str:
    """The charge of an edit or an export, as the credit history shows it."""
    if job.kind == MediaJob.Kind.EXPORT:
        return describe_edit(job.videos[0]).replace("Edit:", "Export:", 1)
    return describe_edit(job.videos[0])


def describe(video: Video) -> str:
    """The charge as the credit history shows it: it ends in three dots. Source: C33."""
    if video.operation == Video.Operation.EDIT:
        return describe_edit(video)
    model = catalog().models.get(video.model)
    is_remix = video.operation == Video.Operation.REMIX
    what = "remix" if is_remix else f"{prices.kind_of(video.operation)}-to-video"
    name, quality = (model.family or model.label, model.quality) if model else (video.model, "")
    start = Truncator(video.prompt).chars(PROMPT_START, truncate="").rstrip(" .\n")
    return f"{name} {what} ({quality}): {start}..."
