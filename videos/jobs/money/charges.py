"""Ledger keys and descriptions of what a video costs."""

from django.utils.text import Truncator

from videos.catalog import prices
from videos.catalog.reading import catalog
from videos.models import Video

# How many characters of the prompt a description has.
PROMPT_START = 57


def spend_key(video: Video) -> str:
    """The key of the ledger entry that charges a video."""
    return f"video:{video.pk}:spend"


def refund_key(video: Video) -> str:
    """The key of the ledger entry that refunds a video."""
    return f"video:{video.pk}:refund"


def describe(video: Video) -> str:
    """The charge as the credit history shows it: it ends in three dots. Source: C33."""
    model = catalog().models.get(video.model)
    is_remix = video.operation == Video.Operation.REMIX
    what = "remix" if is_remix else f"{prices.kind_of(video.operation)}-to-video"
    name, quality = (model.family or model.label, model.quality) if model else (video.model, "")
    start = Truncator(video.prompt).chars(PROMPT_START, truncate="").rstrip(" .\n")
    return f"{name} {what} ({quality}): {start}..."
