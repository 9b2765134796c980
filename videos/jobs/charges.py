"""Ledger keys and descriptions of what a video costs."""

from django.utils.text import Truncator

from videos import catalog
from videos.models import Video


def spend_key(video: Video) -> str:
    """The key of the ledger entry that charges a video."""
    return f"video:{video.pk}:spend"


def refund_key(video: Video) -> str:
    """The key of the ledger entry that refunds a video."""
    return f"video:{video.pk}:refund"


def describe(video: Video) -> str:
    """The charge as the credit history shows it. Source: C33."""
    quality = catalog.MODELS[video.model].quality
    what = "remix" if video.operation == Video.Operation.REMIX else f"{video.operation}-to-video"
    return f"Sora {what} ({quality}): {Truncator(video.prompt).chars(60)}"
