"""Retention beside the videos: deliveries, timelines and refused prompts by setting."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import User
from tests.videos.conftest import failed, order
from videos.models import DeliveryAttempt, RejectedPrompt, Video, VideoEvent, WebhookDelivery
from videos.reports import retention

OLD = timedelta(days=100)
State = WebhookDelivery.State


@pytest.fixture
def ended(alice: User) -> Video:
    """A video that ended long ago, beside one that was ordered as long ago and has not ended."""
    video = failed(order(alice))
    order(alice)
    Video.objects.filter(pk=video.pk).update(completed_at=timezone.now() - OLD)
    VideoEvent.objects.update(at=timezone.now() - OLD)
    return video


def deliver(video: Video, state: State, age: timedelta) -> WebhookDelivery:
    moment = timezone.now() - age
    row: WebhookDelivery = WebhookDelivery.objects.create(
        user=video.user, video=video, state=state, created_at=moment, round_started_at=moment
    )
    DeliveryAttempt.objects.create(delivery=row, at=moment, took_ms=1, code=200)
    return row


@pytest.mark.parametrize(
    ("state", "days", "left"),
    [(State.DELIVERED, 101, 0), (State.FAILED, 101, 0), (State.PENDING, 101, 1),
     (State.DELIVERED, 99, 1)],
)  # fmt: skip
def test_deliveries_go_with_their_attempts_unless_they_are_still_tried(
    ended: Video, settings: LazySettings, state: State, days: int, left: int
) -> None:
    settings.WEBHOOK_LOG_KEPT = OLD
    deliver(ended, state, timedelta(days=days))
    assert retention.delete_old() == 1 - left
    assert (WebhookDelivery.objects.count(), DeliveryAttempt.objects.count()) == (left, left)


def test_timelines_of_ended_videos_go_and_the_videos_stay(
    ended: Video, settings: LazySettings
) -> None:
    settings.TIMELINE_KEPT = timedelta(days=99)
    steps = ended.events.count()
    assert retention.delete_old() == steps > 0
    assert VideoEvent.objects.exclude(video=ended).count() == 1
    assert Video.objects.count() == 2


def test_refused_prompts_go_after_the_days_of_the_setting(
    alice: User, settings: LazySettings
) -> None:
    settings.REFUSED_PROMPT_KEPT = OLD
    for days in (101, 99):
        row = RejectedPrompt.objects.create(user=alice, prompt=f"{days}", categories=[])
        moment = timezone.now() - timedelta(days=days)
        RejectedPrompt.objects.filter(pk=row.pk).update(created_at=moment)
    assert retention.delete_old() == 1
    assert list(RejectedPrompt.objects.values_list("prompt", flat=True)) == ["99"]


def test_nothing_goes_when_the_settings_are_0(ended: Video, settings: LazySettings) -> None:
    settings.WEBHOOK_LOG_KEPT = settings.TIMELINE_KEPT = timedelta(0)
    deliver(ended, State.DELIVERED, OLD)
    assert retention.delete_old() == 0
