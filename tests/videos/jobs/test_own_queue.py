"""What users do with their own queue: pause, resume, move to the front, cancel all."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, invariants
from tests.billing.conftest import grant_credits
from tests.concurrency import run_concurrently
from tests.videos.conftest import claimed, failed, order, reloaded, running
from videos import feed
from videos.jobs import own_queue, queue, state_machine
from videos.jobs.engine_choice import circuit_breaker
from videos.jobs.worker import claim
from videos.models import EngineCircuit, Video

SOON = timedelta(minutes=1)


@pytest.fixture
def rich(alice: User) -> User:
    grant_credits(alice, 1000)
    return alice


def prompts_claimed() -> list[str]:
    """Claim all orders that are due, one by one, and return their prompts."""
    found: list[str] = []
    while videos := [video for video in claim.claim_due(2) if video.status == "submitting"]:
        found += [video.prompt for video in videos]
    return found


def places(*videos: Video) -> list[int | None]:
    fresh = [reloaded(video) for video in videos]
    queue.add_positions(fresh)
    return [video.queue_position for video in fresh]


# ---- pause and resume ----


def test_paused_order_is_not_claimed_until_it_is_resumed(rich: User) -> None:
    boat, kite = order(rich, "boat"), order(rich, "kite")
    state_machine.pause(boat)
    assert prompts_claimed() == ["kite"]
    state_machine.resume(reloaded(boat))
    assert prompts_claimed() == ["boat"]
    assert kite.credits + boat.credits == 40


def test_paused_order_has_no_place_and_others_move_up(rich: User) -> None:
    boat, kite, storm = (order(rich, name) for name in ("boat", "kite", "storm"))
    state_machine.pause(boat)
    assert places(boat, kite, storm) == [None, 1, 2]
    assert [video.prompt for video in own_queue.waiting_of(rich)] == ["boat", "kite", "storm"]
    state_machine.resume(reloaded(boat))
    assert places(boat, kite, storm) == [1, 2, 3]


def test_time_limit_stands_still_while_an_order_is_paused(
    rich: User, settings: LazySettings
) -> None:
    settings.QUEUE_DEADLINE = timedelta(hours=6)
    with time_machine.travel(timezone.now(), tick=False) as clock:
        boat = order(rich, "boat")
        state_machine.pause(boat)
        clock.shift(timedelta(days=3))
        assert claim.claim_due(10) == []
        state_machine.resume(reloaded(boat))
        assert reloaded(boat).deadline_at - timezone.now() == timedelta(hours=6)
        clock.shift(timedelta(hours=1))
        state_machine.pause(reloaded(boat))
        clock.shift(timedelta(hours=10))
        state_machine.resume(reloaded(boat))
        assert reloaded(boat).deadline_at - timezone.now() == timedelta(hours=5)
        assert reloaded(boat).paused_for == timedelta(days=3, hours=10)
        clock.shift(timedelta(hours=5))
        [overdue] = claim.claim_due(10)
        assert overdue.pk == boat.pk


def test_order_that_comes_back_to_the_queue_keeps_the_time_of_its_pause(rich: User) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        boat = order(rich, "boat")
        state_machine.pause(boat)
        clock.shift(timedelta(days=1))
        state_machine.resume(reloaded(boat))
        deadline = reloaded(boat).deadline_at
        held = claimed(boat)
        assert state_machine.move(held, Video.Status.QUEUED, **state_machine.due_in(0))
        assert reloaded(boat).deadline_at == deadline


def test_paused_order_waits_on_when_its_engine_gets_orders_again(rich: User) -> None:
    boat = order(rich, "boat")
    state_machine.pause(boat)
    EngineCircuit.objects.create(name=boat.engine, failures=3, opened_at=timezone.now())
    circuit_breaker.record_submit(boat.engine, boat.pk, None)
    assert (reloaded(boat).next_step_at, prompts_claimed()) == (None, [])


def test_paused_order_keeps_its_charge_and_is_refunded_when_it_is_cancelled(rich: User) -> None:
    had = credits.available(rich)
    boat = order(rich, "boat")
    state_machine.pause(boat)
    assert credits.available(rich) == had - 20
    state_machine.cancel(reloaded(boat))
    ended = reloaded(boat)
    assert (ended.status, ended.paused_at, credits.available(rich)) == ("cancelled", None, had)


@pytest.mark.parametrize("state", ["paused", "submitting", "running", "failed"])
def test_only_a_waiting_order_is_paused(rich: User, state: str) -> None:
    boat = order(rich, "boat")
    {
        "paused": state_machine.pause,
        "submitting": claimed,
        "running": running,
        "failed": failed,
    }[state](boat)
    before = reloaded(boat)
    with pytest.raises(state_machine.NotPossible):
        state_machine.pause(before)
    after = reloaded(boat)
    assert (after.status, after.paused_at, after.next_step_at, after.sequence) == (
        before.status,
        before.paused_at,
        before.next_step_at,
        before.sequence,
    )


def test_only_a_paused_order_is_resumed(rich: User) -> None:
    boat = order(rich, "boat")
    with pytest.raises(state_machine.NotPossible):
        state_machine.resume(boat)
    state_machine.pause(boat)
    paused = reloaded(boat)
    state_machine.resume(paused)
    with pytest.raises(state_machine.NotPossible):
        state_machine.resume(paused)


def test_each_change_of_the_queue_is_in_the_feed(rich: User) -> None:
    boat = order(rich, "boat")
    before = feed.current_sequence(rich.pk)
    state_machine.pause(boat)
    state_machine.resume(reloaded(boat))
    state_machine.move_to_front(boat)
    events = feed.missed(rich.pk, before).events
    assert [(event["video_id"], event["seq"]) for event in events] == [
        (str(boat.pk), before + n) for n in (1, 2, 3)
    ]


def test_all_waiting_orders_are_paused_and_resumed_at_once(rich: User, bob: User) -> None:
    running(order(rich, "runs"))
    for name in ("boat", "kite"):
        order(rich, name)
    other = order(bob, "bob")
    assert [len(own_queue.pause_all(rich)) for _ in range(2)] == [2, 0]
    assert (reloaded(other).paused_at, prompts_claimed()) == (None, ["bob"])
    assert [len(own_queue.resume_all(rich)) for _ in range(2)] == [2, 0]
    assert prompts_claimed() == ["boat", "kite"]


@pytest.mark.django_db(transaction=True)
def test_order_is_either_paused_or_taken_when_both_happen_at_once(rich: User) -> None:
    for n in range(6):
        order(rich, f"{n}")
    run_concurrently(
        [
            lambda: own_queue.pause_all(rich),
            lambda: claim.claim_due(12),
            lambda: own_queue.pause_all(rich),
        ]
    )
    for video in Video.objects.all():
        assert (video.status == "queued") == (video.paused_at is not None)
        assert (video.next_step_at is None) == (video.paused_at is not None)


# ---- order ----


def test_order_is_moved_before_the_others_of_its_owner(rich: User, bob: User) -> None:
    boat, kite, storm = (order(rich, name) for name in ("boat", "kite", "storm"))
    other = order(bob, "bob")
    state_machine.move_to_front(storm)
    assert places(boat, kite, storm, other) == [3, 4, 1, 2]
    state_machine.move_to_front(kite)
    assert [video.prompt for video in own_queue.waiting_of(rich)] == ["kite", "storm", "boat"]
    assert prompts_claimed() == ["kite", "bob", "storm", "boat"]


def test_only_a_waiting_order_is_moved(rich: User) -> None:
    boat = running(order(rich, "boat"))
    with pytest.raises(state_machine.NotPossible):
        state_machine.move_to_front(boat)
    assert reloaded(boat).front_at is None


# ---- cancel all ----


def test_waiting_orders_are_cancelled_and_refunded_and_others_go_on(rich: User, bob: User) -> None:
    had = credits.available(rich)
    begun = running(order(rich, "runs"))
    waiting = [order(rich, name) for name in ("boat", "kite")]
    state_machine.pause(waiting[1])
    other = order(bob, "bob")
    done = own_queue.cancel_all(rich, begun=False)
    assert ([v.pk for v in done.videos], done.credits, done.refusal) == (
        [video.pk for video in waiting],
        40,
        None,
    )
    assert [reloaded(v).status for v in (*waiting, begun, other)] == [
        *("cancelled", "cancelled", "running", "queued")
    ]
    assert credits.available(rich) == had - 20
    assert own_queue.cancel_all(rich, begun=False).videos == []
    assert invariants.problems() == []


def test_what_engines_have_begun_is_cancelled_up_to_the_limit(
    rich: User, settings: LazySettings
) -> None:
    settings.CANCELLATIONS_PER_DAY = 2
    for n in range(3):
        running(order(rich, f"runs {n}"))
    order(rich, "waits")
    done = own_queue.cancel_all(rich, begun=True)
    assert (len(done.videos), done.credits) == (3, 60)
    assert str(done.refusal).startswith("You may cancel 2 videos that an engine has begun")
    assert Video.objects.active().count() == 1


@pytest.mark.django_db(transaction=True)
def test_each_video_is_refunded_once_when_all_are_cancelled_twice_at_once(rich: User) -> None:
    had = credits.available(rich)
    for n in range(4):
        order(rich, f"{n}")
    both = run_concurrently([lambda: own_queue.cancel_all(rich, begun=True).credits] * 2)
    assert (sum(both), credits.available(rich)) == (80, had)
    assert invariants.problems() == []


def test_order_that_an_engine_took_meanwhile_is_not_cancelled_as_waiting(rich: User) -> None:
    boat = order(rich, "boat")
    claimed(boat)
    assert state_machine.cancel_waiting(boat) is False
    assert reloaded(boat).status == "submitting"
