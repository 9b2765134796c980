"""The queue of orders: users take turns, each has a limit, and an order's place is shown."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from tests.billing.conftest import grant_credits
from tests.concurrency import run_concurrently
from tests.videos.conftest import answered, make_due, order, reloaded, running
from videos import failures
from videos.engines.base import JobState
from videos.jobs import queue, ranking, state_machine
from videos.jobs.worker import claim, execute, settle
from videos.models import Video


@pytest.fixture
def rich(alice: User) -> User:
    """Alice, with credits for many videos."""
    grant_credits(alice, 5000)
    return alice


def prompts_claimed(limit: int) -> list[str]:
    """Claim up to `limit` orders and return their prompts."""
    videos = [video for video in claim.claim_due(2 * limit) if video.status == "submitting"]
    return sorted(video.prompt for video in videos)


def test_users_take_turns_when_one_of_them_has_ordered_many_videos(rich: User, bob: User) -> None:
    for n in range(20):
        order(rich, f"alice {n:02}")
    order(bob, "bob 0")
    order(bob, "bob 1")
    assert prompts_claimed(4) == ["alice 00", "alice 01", "bob 0", "bob 1"]


def test_user_with_fewest_videos_at_engines_is_first(rich: User, bob: User) -> None:
    for n in range(3):
        running(order(rich, f"running {n}"))
    order(rich, "alice waits")
    order(bob, "bob is later")
    assert prompts_claimed(1) == ["bob is later"]


def test_order_waits_when_its_user_has_as_many_videos_at_engines_as_allowed(
    rich: User, bob: User, settings: LazySettings
) -> None:
    settings.JOBS_PER_USER = 2
    first = running(order(rich, "first"))
    for n in range(3):
        order(rich, f"alice {n}")
    order(bob, "bob")
    assert prompts_claimed(10) == ["alice 0", "bob"]
    assert prompts_claimed(10) == []
    state_machine.cancel(first)
    Video.objects.filter(pk=first.pk).update(next_step_at=None)
    assert prompts_claimed(10) == ["alice 1"]


@pytest.mark.django_db(transaction=True)
def test_limit_holds_when_several_workers_claim_at_once(rich: User, settings: LazySettings) -> None:
    settings.JOBS_PER_USER = 3
    for n in range(12):
        order(rich, f"Boat {n}")
    taken = run_concurrently([lambda: [video.pk for video in claim.claim_due(8)] for _ in range(4)])
    found = [pk for batch in taken for pk in batch]
    found += [video.pk for video in claim.claim_due(8)]
    assert (len(found), Counter(Video.objects.values_list("status", flat=True))) == (
        3,
        {"submitting": 3, "queued": 9},
    )


def test_rendering_video_is_polled_when_many_orders_wait(rich: User, bob: User) -> None:
    video = running(order(bob))
    for n in range(20):
        order(rich, f"{n}")
    make_due(video)
    assert video.pk in [claimed.pk for claimed in claim.claim_due(4)]


# ---- the place in the queue ----


def test_position_counts_the_orders_that_come_first(rich: User, bob: User) -> None:
    mine = [order(rich, f"alice {n}") for n in range(3)]
    his = [order(bob, f"bob {n}") for n in range(2)]
    queue.add_positions([*mine])
    queue.add_positions([*his])
    assert [video.queue_position for video in mine] == [1, 3, 5]
    assert [video.queue_position for video in his] == [2, 4]


def test_position_is_the_turn_in_which_orders_are_claimed(rich: User, bob: User) -> None:
    for n in range(3):
        running(order(rich, f"renders {n}"))
    mine = order(rich, "alice waits")
    his = [order(bob, f"bob {n}") for n in range(2)]
    queue.add_positions([mine])
    queue.add_positions(his)
    assert [video.queue_position for video in (*his, mine)] == [1, 2, 3]
    assert [prompts_claimed(1) for _ in range(3)] == [["bob 0"], ["bob 1"], ["alice waits"]]


def test_long_queue_is_not_ranked_for_every_question(
    rich: User, bob: User, django_assert_num_queries: Any
) -> None:
    first, later = order(rich, "first"), order(bob, "later")
    others = [copy_of(first) for _ in range(ranking.SHORT)]
    with django_assert_num_queries(1):
        for _ in range(3):
            queue.add_positions([first])
            queue.add_positions(others[:2])
    assert first.queue_position == 1
    # A place that was remembered, although an order has left the queue since.
    state_machine.cancel(reloaded(first))
    queue.add_positions([later])
    assert later.queue_position == 2


def test_order_that_came_after_the_ranking_has_its_place_at_once(rich: User, bob: User) -> None:
    first = order(rich, "first")
    for _ in range(ranking.SHORT):
        copy_of(first)
    queue.add_positions([first])
    later = order(bob, "later")
    queue.add_positions([later])
    assert later.queue_position == 2


def copy_of(video: Video) -> Video:
    """Return another queued order of the same user."""
    fields = {field.attname: getattr(video, field.attname) for field in Video._meta.concrete_fields}
    return Video.objects.create(**{**fields, "id": uuid4(), "created_at": timezone.now()})


def test_file_that_cannot_be_fetched_keeps_no_order_waiting(
    rich: User, settings: LazySettings
) -> None:
    settings.JOBS_PER_USER = 1
    answered(running(order(rich, "its file is away")), JobState.SUCCEEDED)
    order(rich, "next")
    assert prompts_claimed(1) == ["next"]


def test_position_is_null_when_the_engine_has_the_video(api: APIClient, alice: User) -> None:
    rendering = running(order(alice, "renders"))
    waiting = order(alice, "waits")
    listed = api.get("/api/videos").json()["videos"]
    assert [video["queue_position"] for video in listed] == [1, None]
    assert api.get(f"/api/videos/{waiting.pk}").json()["queue_position"] == 1
    assert api.get(f"/api/videos/{rendering.pk}").json()["queue_position"] is None


def test_card_shows_the_position_when_the_order_waits_for_a_minute(
    page: Client, alice: User
) -> None:
    video = order(alice)
    assert "starts soon" in page.get("/library/").content.decode()
    earlier = timezone.now() - timedelta(seconds=61)
    Video.objects.filter(pk=video.pk).update(created_at=earlier)
    assert "number 1 in the queue" in page.get("/library/").content.decode()


# ---- deadlines ----


def test_order_waits_longer_than_an_engine_may_render(alice: User, settings: LazySettings) -> None:
    settings.VIDEO_DEADLINE, settings.QUEUE_DEADLINE = timedelta(0), timedelta(hours=6)
    video = order(alice)
    assert [claimed.status for claimed in claim.claim_due(10)] == ["submitting"]
    assert reloaded(video).deadline_at == video.created_at + timedelta(hours=6)


def test_rendering_has_its_own_deadline_when_the_order_has_waited(
    alice: User, settings: LazySettings
) -> None:
    settings.VIDEO_DEADLINE, settings.QUEUE_DEADLINE = timedelta(minutes=30), timedelta(hours=6)
    video = running(order(alice))
    assert video.started_at
    assert abs(video.deadline_at - video.started_at - timedelta(minutes=30)).total_seconds() < 1


def test_order_is_refunded_when_it_has_waited_too_long(alice: User, settings: LazySettings) -> None:
    settings.JOBS_PER_USER = 1  # an order whose turn never comes ends too
    running(order(alice, "rendering"))
    video = order(alice)
    Video.objects.filter(pk=video.pk).update(deadline_at=video.created_at)
    # On a slow machine the other one is due to be polled again.
    (late,) = [claimed for claimed in claim.claim_due(10) if claimed.pk == video.pk]
    settle.settle([(late, execute.execute(late))])
    ended = reloaded(video)
    explained = failures.explain(ended)
    assert explained
    assert (ended.status, explained.code, explained.sentence) == (
        "timeout",
        "queue_timeout",
        "The order waited too long for an engine. The cause was not your prompt.",
    )
    assert credits.available(alice) == 80
