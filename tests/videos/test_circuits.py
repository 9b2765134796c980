"""The circuit of each engine: when orders stop, wait, move on, and flow again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, invariants
from tests.billing.conftest import grant_credits
from tests.concurrency import run_concurrently
from tests.conftest import ServerThread
from tests.videos.conftest import completed, now_of, order, running
from videos import catalog
from videos.engines import base
from videos.engines.base import Job, JobState
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    Blocked,
    EngineError,
    InvalidRequest,
    OutOfCredit,
    RateLimited,
    Unavailable,
    Unsupported,
)
from videos.jobs import circuit_breaker, orders
from videos.jobs.worker import claim, execute, settle
from videos.models import EngineCircuit, Video

DOWN = Unavailable("connection refused")
LOST = Unavailable("no answer", maybe_accepted=True)


@pytest.fixture(autouse=True)
def quick(settings: LazySettings) -> None:
    settings.CIRCUIT_FAILURES, settings.CIRCUIT_PAUSE = 3, timedelta(seconds=10)


@pytest.fixture
def two(settings: LazySettings) -> None:
    """Two engines for every model."""
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {"first": sandbox, "second": sandbox}


def sent(video: Video, result: EngineError | None = None) -> Video:
    """The order as a worker sends it once, and what comes of it."""
    Video.objects.filter(pk=video.pk).update(next_step_at=timezone.now())
    for held in claim.claim_due(100):
        if held.pk == video.pk:
            answer = result or Job(f"job_{video.pk.hex}", JobState.QUEUED)
            settle.settle([(held, answer)])
    return now_of(video)


def broken(name: str = "sandbox", times: int = 3) -> None:
    """An engine that failed to take so many orders in a row."""
    for video in [Video(engine=name) for _ in range(times)]:
        circuit_breaker.record_submit(name, video.pk, DOWN)


def state_of(name: str = "sandbox") -> tuple[int, bool]:
    """Failures in a row, and whether the circuit is open."""
    row = EngineCircuit.objects.get(pk=name)
    return row.failures, row.opened_at is not None


def wait_of(video: Video) -> float:
    due = now_of(video).next_step_at
    assert due
    return (due - timezone.now()).total_seconds()


# ---- opening ----


def test_it_opens_when_orders_fail_in_a_row(alice: User) -> None:
    seen = []
    for n in range(3):
        sent(order(alice, f"{n}"), DOWN)
        seen.append(state_of())
    assert seen == [(1, False), (2, False), (3, True)]


@pytest.mark.parametrize(
    "error", [DOWN, LOST, BadAnswer("<html>"), AuthFailed("key"), OutOfCredit("empty")]
)
def test_what_counts_is_what_speaks_against_the_engine(alice: User, error: EngineError) -> None:
    sent(order(alice), error)
    assert state_of() == (1, False)


@pytest.mark.parametrize(
    "error", [Blocked("x"), InvalidRequest("x"), RateLimited("x"), Unsupported("x"), None]
)
def test_an_answer_of_any_kind_starts_the_count_again(
    alice: User, error: EngineError | None
) -> None:
    broken(times=2)
    sent(order(alice), error)
    assert state_of() == (0, False)


def test_our_own_faults_are_not_the_engines(alice: User) -> None:
    broken(times=2)
    sent(
        order(alice), Unavailable("disk full", code=circuit_breaker.OUR_FAULT, maybe_accepted=True)
    )
    assert state_of() == (2, False)


def test_a_job_that_cannot_be_looked_at_opens_nothing(alice: User) -> None:
    video = running(order(alice))
    for _ in range(5):
        sent(video, DOWN)
    assert not EngineCircuit.objects.exists()


# ---- waiting ----


def test_orders_wait_when_there_is_no_other_engine(alice: User) -> None:
    broken()
    video = sent(order(alice))
    assert (video.status, video.submit_count, video.lease) == ("queued", 0, None)
    assert 8 < wait_of(video) <= 10


def test_a_waiting_order_ends_with_its_credits_back_when_its_time_is_over(alice: User) -> None:
    video = order(alice)
    broken()
    EngineCircuit.objects.update(retry_at=timezone.now() + timedelta(hours=1))
    Video.objects.update(deadline_at=timezone.now() + timedelta(seconds=5))
    assert 0 < wait_of(sent(video)) <= 5
    Video.objects.update(deadline_at=timezone.now(), next_step_at=timezone.now())
    settle.settle([(held, execute.execute(held)) for held in claim.claim_due(1)])
    assert (now_of(video).status, credits.available(alice)) == ("timeout", 100)


def test_one_order_tries_it_when_the_pause_is_over(alice: User) -> None:
    grant_credits(alice, 100)
    broken()
    videos = [order(alice, f"{n}") for n in range(4)]
    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        held = claim.claim_due(100)
        assert [video.status for video in held] == ["submitting"]
        assert sorted(now_of(v).status for v in videos) == ["queued"] * 3 + ["submitting"]


def test_everything_flows_again_when_the_trial_succeeds(alice: User) -> None:
    grant_credits(alice, 100)
    broken()
    videos = [sent(order(alice, f"{n}")) for n in range(3)]
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        EngineCircuit.objects.update(retry_at=timezone.now())
        sent(videos[0])
        assert state_of() == (0, False)
        assert [wait for wait in map(wait_of, videos[1:]) if wait > 0] == []
        assert len([v for v in claim.claim_due(100) if v.status == "submitting"]) == 2


def test_the_pause_doubles_when_the_trial_fails(alice: User) -> None:
    broken()
    pauses = []
    video = order(alice)
    Video.objects.update(deadline_at=timezone.now() + timedelta(days=1))
    now = timezone.now()
    for _ in range(9):
        row = EngineCircuit.objects.get()
        assert row.retry_at
        pauses.append(round((row.retry_at - now).total_seconds()))
        now = row.retry_at + timedelta(seconds=1)
        with time_machine.travel(now, tick=False):
            sent(video, DOWN)
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_the_pause_does_not_grow_when_orders_of_before_fail_late(db: None) -> None:
    broken()
    before = EngineCircuit.objects.get().retry_at
    broken()
    assert EngineCircuit.objects.get().retry_at == before


def test_another_order_tries_it_when_the_worker_of_the_trial_died(alice: User) -> None:
    broken()
    first, second = order(alice, "1"), order(alice, "2")
    now = timezone.now() + timedelta(seconds=11)
    assert circuit_breaker.claim_trial("sandbox", first.pk, now)
    assert not circuit_breaker.claim_trial("sandbox", second.pk, now)
    assert circuit_breaker.claim_trial("sandbox", second.pk, now + circuit_breaker.TRIAL_TIME)


@pytest.mark.django_db(transaction=True)
def test_exactly_one_tries_it_when_workers_claim_at_once(alice: User) -> None:
    grant_credits(alice, 1000)
    for n in range(20):
        order(alice, f"{n}")
    broken()
    EngineCircuit.objects.update(retry_at=timezone.now())
    held = run_concurrently([partial(claim.claim_due, 5)] * 4)
    submitting = [video.pk for batch in held for video in batch]
    assert (len(submitting), invariants.problems()) == (1, [])


# ---- moving on ----


@pytest.mark.usefixtures("two")
def test_an_order_moves_on_when_its_engine_was_certainly_not_reached(alice: User) -> None:
    video = sent(order(alice), DOWN)
    assert (video.engine, video.status, video.submit_count) == ("second", "queued", 0)
    assert wait_of(video) <= 0
    video = sent(video)
    assert (video.engine, video.status, video.submit_count) == ("second", "running", 1)
    note = video.events.get(note__contains="moved").note
    assert note == "moved from first: upstream_unavailable: connection refused"


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("error", [AuthFailed("key"), OutOfCredit("empty")])
def test_an_order_moves_on_when_the_account_there_is_of_no_use(
    alice: User, error: EngineError
) -> None:
    video = sent(order(alice), error)
    assert (video.engine, video.status) == ("second", "queued")
    video = sent(video, error)
    assert (video.status, video.failure_code) == ("failed", error.code)
    assert (credits.available(alice), invariants.problems()) == (100, [])


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("error", [Blocked("x"), InvalidRequest("x"), RateLimited("x")])
def test_an_order_stays_when_nothing_speaks_against_its_engine(
    alice: User, error: EngineError
) -> None:
    assert sent(order(alice), error).engine == "first"


@pytest.mark.usefixtures("two")
def test_an_order_stays_when_it_may_have_been_taken(alice: User) -> None:
    video = sent(order(alice), LOST)
    assert (video.engine, video.status) == ("first", "submit_unknown")
    for _ in range(
        settle.MAX_SEARCHES
    ):  # it is not in the list, so it may be sent again: to the same one
        Video.objects.update(next_step_at=timezone.now())
        settle.settle([(held, []) for held in claim.claim_due(1)])
    assert now_of(video).status == "queued"
    video = sent(video, DOWN)
    assert (video.engine, video.status) == ("first", "queued")
    broken("first")
    video = sent(video)
    assert (video.engine, video.status) == ("first", "queued")


@pytest.mark.usefixtures("two")
def test_waiting_and_new_orders_go_to_the_next_when_one_is_paused(alice: User) -> None:
    waiting = order(alice)
    broken("first")
    assert order(alice, "New").engine == "second"
    waiting = sent(waiting)
    assert (waiting.engine, waiting.status) == ("second", "running")


@pytest.mark.usefixtures("two")
def test_one_order_still_tries_the_first_when_its_pause_is_over(alice: User) -> None:
    broken("first")
    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        one, other = order(alice, "1"), order(alice, "2")
        held = claim.claim_due(100)
        assert sorted(video.engine for video in held) == ["first", "second"]
        settle.settle([(video, Job(video.pk.hex, JobState.QUEUED)) for video in held])
        assert {now_of(one).status, now_of(other).status} == {"running"}
        assert state_of("first") == (0, False)


def test_an_order_moves_on_when_its_engine_is_not_configured_any_more(
    alice: User, settings: LazySettings
) -> None:
    video = order(alice)
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {}
    video = sent(video)
    assert (video.engine, video.status) == ("sandbox", "queued")
    assert wait_of(video) > 8
    settings.ENGINES = {"new": sandbox}
    video = sent(video)
    assert (video.engine, video.status) == ("new", "running")


@pytest.mark.usefixtures("two")
def test_orders_wait_when_all_are_paused(alice: User) -> None:
    broken("first")
    broken("second")
    video = sent(order(alice))
    assert (video.engine, video.status) == ("first", "queued")


@pytest.mark.usefixtures("two")
def test_a_remix_stays_where_its_source_is(alice: User, mp4: bytes) -> None:
    video = orders.remix(completed(order(alice), mp4), "At night")
    assert sent(video, DOWN).engine == "first"


def test_a_remix_is_refused_and_free_where_its_source_cannot_be_remixed(
    alice: User, mp4: bytes, settings: LazySettings
) -> None:
    source = completed(order(alice), mp4)
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {"sandbox": {**sandbox, "operations": "text,image"}, "other": sandbox}
    with pytest.raises(catalog.NotOffered):
        orders.remix(source, "At night")
    assert (credits.available(alice), Video.objects.count()) == (80, 1)


def test_only_engines_that_make_such_a_video_are_chosen(settings: LazySettings) -> None:
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {
        "short": {**sandbox, "max_seconds": "10"},
        "pro": {**sandbox, "offered_models": "sora-2-pro"},
        "plain": {**sandbox, "operations": "text,image"},
        "real": {**sandbox, "is_sandbox": ""},
        "all": sandbox,
    }
    assert catalog.engines_for("sora-2", "text", 8) == ["short", "plain", "all"]
    assert catalog.engines_for("sora-2", "remix", 20) == ["real"]
    assert catalog.engines_for("sora-2-pro", "image", 12) == ["pro", "plain", "all"]
    assert catalog.engines_for("sora-9") == []


def test_a_stand_in_is_no_way_out_of_a_real_ones_trouble(settings: LazySettings) -> None:
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {"real": {**sandbox, "is_sandbox": ""}, "sandbox": sandbox}
    assert catalog.engines_for("sora-2") == ["real"]


def test_the_video_is_made_by_the_next_when_the_first_is_down(
    live: ServerThread, alice: User, settings: LazySettings, finish: Callable[[Video], Video]
) -> None:
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {"down": {**sandbox, "base_url": "http://127.0.0.1:9/v1"}, "up": sandbox}
    base.get.cache_clear()
    video = finish(order(alice, "A kite [[instant]]"))
    assert (video.status, video.engine, video.submit_count) == ("succeeded", "up", 1)
    assert (credits.available(alice), state_of("down")) == (80, (1, False))


# ---- who sees what ----


def test_health_is_degraded_and_says_nothing_more(alice: User) -> None:
    circuit_breaker.record_submit("sandbox", alice.pk, AuthFailed("key sk-secret is wrong"))
    assert Client().get("/health").json()["status"] == "ok"
    broken()
    answer = Client().get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "degraded", "version": "0.1.0"})


def admin_page(user: User, path: str = "") -> Any:
    client = Client()
    client.force_login(user)
    return client.get(f"/admin/videos/enginecircuit/{path}")


def test_staff_see_which_engine_is_paused_and_why(staff: User) -> None:
    assert "accepts orders" in admin_page(staff).content.decode()
    broken()
    page = admin_page(staff).content.decode()
    assert "paused" in page
    assert "connection refused" in page
    since = EngineCircuit.objects.get().opened_at
    assert isinstance(since, datetime)
    assert "connection refused" in admin_page(staff, "sandbox/change/").content.decode()


def test_nobody_else_sees_it(alice: User) -> None:
    assert admin_page(alice).status_code == 302


def test_nothing_can_be_changed_by_hand(staff: User) -> None:
    circuit_breaker.circuits()
    assert admin_page(staff, "add/").status_code == 403
    assert admin_page(staff, "sandbox/delete/").status_code == 403
