"""The allowed changes of a video's status, and what each charges or refunds."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits as ledger_credits
from billing.ledger import invariants
from tests.conftest import ServerThread
from tests.videos.conftest import (
    answered,
    claimed,
    completed,
    failed,
    order,
    picture,
    reloaded,
    running,
)
from tests.videos.conftest import upload as file
from videos.catalog import offers
from videos.engines.base import Job, JobState
from videos.engines.errors import Refused, Unavailable
from videos.jobs import orders, state_machine
from videos.jobs.worker import execute, settle
from videos.media import uploads
from videos.models import Price, Video

Work = Callable[..., None]
Finish = Callable[[Video], Video]


def history(user: User) -> list[tuple[str, int]]:
    return [(entry.type, entry.amount) for entry in ledger_credits.history(user)]


# ---- prices ----


@pytest.mark.parametrize(
    ("model", "seconds", "credits"),
    [
        ("sora-2", 4, 20),
        ("sora-2", 12, 20),
        ("sora-2", 16, 27),
        ("sora-2", 20, 34),
        ("sora-2-pro", 12, 30),
        ("sora-2-pro", 16, 40),
        ("sora-2-pro", 20, 50),
    ],
)
def test_price_grows_pro_rata_when_a_video_exceeds_twelve_seconds(
    alice: User, model: str, seconds: int, credits: int
) -> None:
    assert order(alice, model=model, seconds=seconds).credits == credits
    assert ledger_credits.available(alice) == 100 - credits


def test_price_set_by_staff_wins_when_there_is_one(alice: User) -> None:
    Price.objects.create(kind=Price.Kind.TEXT, model="sora-2", credits=7)
    assert [order(alice, seconds=s).credits for s in (4, 20)] == [7, 12]


def test_nothing_is_offered_when_no_engine_is_configured(
    alice: User, settings: LazySettings
) -> None:
    settings.ENGINES = {}
    with pytest.raises(offers.NotOffered):
        order(alice)
    assert (Video.objects.count(), ledger_credits.available(alice)) == (0, 100)


# ---- retry, cancel ----


def test_retry_orders_the_same_video_when_one_failed(alice: User, mp4: bytes) -> None:
    reference = uploads.store_image(alice, file(picture()))
    first = failed(order(alice, model="sora-2-pro", size="1792x1024", first_image=reference))
    again = orders.retry(first)
    same = ("prompt", "model", "size", "seconds", "operation", "first_image_id", "credits")
    assert [getattr(again, name) for name in same] == [getattr(first, name) for name in same]
    assert (again.retry_of, again.status) == (first, "queued")
    assert history(alice) == [("spent", -35), ("refunded", 35), ("spent", -35), ("bonus", 100)]


@pytest.mark.parametrize("deleted", ["first_image", "last_image"])
def test_retry_is_refused_when_an_image_of_the_order_was_deleted(alice: User, deleted: str) -> None:
    first, last = (uploads.store_image(alice, file(picture())) for _ in range(2))
    video = failed(order(alice, first_image=first, last_image=last))
    setattr(video, deleted, None)
    video.save()
    with pytest.raises(state_machine.NotPossible) as caught:
        orders.retry(video)
    assert str(caught.value) == "An image of this order was deleted. Order the video anew."
    assert history(alice) == [("refunded", 25), ("spent", -25), ("bonus", 100)]


def test_retry_keeps_the_source_when_a_remix_failed(alice: User, mp4: bytes) -> None:
    source = completed(order(alice), mp4)
    again = orders.retry(failed(orders.remix(source, "At night")))
    assert (again.operation, again.source) == ("remix", source)


@pytest.mark.parametrize("state", [order, lambda user: running(order(user))])
def test_retry_is_refused_when_the_video_has_not_ended(
    alice: User, state: Callable[[User], Video]
) -> None:
    video = state(alice)
    with pytest.raises(state_machine.NotPossible):
        orders.retry(video)
    assert Video.objects.count() == 1


def test_retry_is_refused_when_the_video_succeeded(alice: User, mp4: bytes) -> None:
    with pytest.raises(state_machine.NotPossible):
        orders.retry(completed(order(alice), mp4))


def test_credits_are_refunded_once_when_cancelled_twice(alice: User) -> None:
    video = running(order(alice))
    state_machine.cancel(video)
    with pytest.raises(state_machine.NotPossible):
        state_machine.cancel(video)
    assert history(alice) == [("refunded", 20), ("spent", -20), ("bonus", 100)]


def test_cancel_is_refused_when_the_video_has_ended(alice: User, mp4: bytes) -> None:
    for video in (failed(order(alice)), completed(order(alice), mp4)):
        with pytest.raises(state_machine.NotPossible):
            state_machine.cancel(video)
    assert ledger_credits.available(alice) == 80


def test_late_answer_changes_nothing_when_the_video_was_cancelled(alice: User) -> None:
    held = claimed(running(order(alice)))
    state_machine.cancel(held)
    settle.settle([(held, Job(held.engine_job_id, JobState.SUCCEEDED, 100))])
    assert (reloaded(held).status, reloaded(held).progress) == ("cancelled", 0)
    assert ledger_credits.available(alice) == 100


# ---- deadlines ----


def test_video_times_out_and_is_refunded_when_the_engine_hangs(
    live: ServerThread, alice: User, finish: Finish, settings: LazySettings
) -> None:
    settings.VIDEO_DEADLINE = timedelta(seconds=1.5)
    video = finish(order(alice, "A kite [[hang]]"))
    assert (video.status, video.failure_code) == ("timeout", "timeout")
    assert history(alice) == [("refunded", 20), ("spent", -20), ("bonus", 100)]
    assert invariants.problems() == []


def test_video_times_out_and_is_refunded_when_the_engine_stays_down(
    alice: User, settings: LazySettings
) -> None:
    video = order(alice)
    held = claimed(video)
    settle.settle([(held, Unavailable("refused"))])
    assert reloaded(video).status == "queued"
    Video.objects.update(deadline_at=video.created_at)
    late = claimed(video)
    assert late.status == "queued"  # it is not submitted any more
    settle.settle([(late, execute.execute(late))])
    assert (reloaded(video).status, reloaded(video).submit_count) == ("timeout", 0)
    assert ledger_credits.available(alice) == 100


@pytest.mark.parametrize("answer", [Job("job_1", JobState.RUNNING, 50), Unavailable("down")])
def test_video_times_out_when_the_deadline_passes_while_rendering(
    alice: User, answer: Job | Unavailable
) -> None:
    video = running(order(alice))
    Video.objects.update(deadline_at=video.created_at)
    settle.settle([(claimed(video), answer)])
    assert (reloaded(video).status, ledger_credits.available(alice)) == ("timeout", 100)


def test_video_succeeds_when_it_is_finished_at_the_deadline(alice: User) -> None:
    video = running(order(alice))
    Video.objects.update(deadline_at=video.created_at)
    assert answered(video, JobState.SUCCEEDED).status == "downloading"


def test_video_is_lost_and_refunded_when_the_engine_denies_the_job_for_long(
    live: ServerThread, alice: User, finish: Finish, settings: LazySettings
) -> None:
    settings.MISSING_AFTER = timedelta(seconds=0.6)
    video = finish(order(alice, "A kite [[poll:404]]"))
    assert (video.status, video.failure_code) == ("failed", "upstream_lost_job")
    assert ledger_credits.available(alice) == 100


def test_video_succeeds_when_the_engine_denies_the_job_briefly(
    live: ServerThread, alice: User, finish: Finish, settings: LazySettings
) -> None:
    settings.MISSING_AFTER = timedelta(seconds=3)
    video = finish(order(alice, "A kite [[instant]] [[poll:404x1]]"))
    assert (video.status, ledger_credits.available(alice)) == ("succeeded", 80)


def test_expired_credits_are_refunded_when_we_failed_but_not_when_cancelled(
    alice: User,
) -> None:
    stopped, broken = running(order(alice)), running(order(alice))
    with time_machine.travel(timezone.now() + timedelta(days=31)):
        state_machine.cancel(stopped)
        assert ledger_credits.available(alice) == 0
        answered(broken, JobState.FAILED, failure=Refused("x", code="internal_error"))
        assert ledger_credits.available(alice) == 20
    assert invariants.problems() == []
