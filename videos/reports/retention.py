"""How long what happened to videos is kept, beside the videos themselves."""

from django.conf import settings
from django.utils import timezone

from config.lib import batches
from videos.models import RejectedPrompt, VideoEvent, WebhookDelivery

State = WebhookDelivery.State


def delete_old() -> int:
    """Delete old deliveries, timelines and refused prompts; return how many rows went.

    Deliveries that are still tried, and timelines of videos that have not ended, stay.
    """
    return delete_deliveries() + delete_timelines() + delete_refused_prompts()


def delete_deliveries() -> int:
    """Delete deliveries with their attempts WEBHOOK_LOG_DAYS after they were created."""
    if not settings.WEBHOOK_LOG_KEPT:
        return 0
    before = timezone.now() - settings.WEBHOOK_LOG_KEPT
    old = WebhookDelivery.objects.filter(created_at__lt=before, round_started_at__lt=before)
    return batches.delete(old.exclude(state=State.PENDING))


def delete_timelines() -> int:
    """Delete the steps of videos that ended TIMELINE_DAYS ago."""
    if not settings.TIMELINE_KEPT:
        return 0
    before = timezone.now() - settings.TIMELINE_KEPT
    ended = VideoEvent.objects.filter(at__lt=before, video__completed_at__lt=before)
    return batches.delete(ended)


def delete_refused_prompts() -> int:
    """Delete refused prompts REFUSED_PROMPT_DAYS after they were refused."""
    if not settings.REFUSED_PROMPT_KEPT:
        return 0
    before = timezone.now() - settings.REFUSED_PROMPT_KEPT
    return batches.delete(RejectedPrompt.objects.filter(created_at__lt=before))
