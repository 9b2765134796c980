"""The circuit breaker of each engine: when orders stop, wait, change engines, and resume."""

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
from config.lib import clock
from tests.billing.conftest import grant_credits
from tests.concurrency import run_concurrently
from tests.conftest import ServerThread
from tests.videos.conftest import completed, order, reloaded, running
from videos.catalog import offers
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
from videos.jobs import orders
from videos.jobs.engine_choice import circuit_breaker, routing
from videos.jobs.worker import claim, execute, settle
from videos.models import EngineCircuit, Video

DOWN = Unavailable("connection refused")
LOST = Unavailable("no answer", maybe_accepted=True)


@pytest.fixture(autouse=True)
def _short_pauses(settings: LazySettings) -> None:
    settings.CIRCUIT_FAILURES, settings.CIRCUIT_PAUSE = 3, timedelta(seconds=10)


@pytest.fixture
def two_engines(settings: LazySettings) -> None:
    """Two engines for every model."""
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {"first": sandbox, "second": sandbox}


def submit_once(video: Video, result: EngineError | None = None) -> Video:
    """Submit the order once as a worker does, and return the stored video."""
    Video.objects.filter(pk=video.pk).update(next_step_at=clock.now())
    for claimed_videos in claim.claim_due(100):
        if claimed_videos.pk == video.pk:
            answer = result or Job(f"job_{video.pk.hex}", JobState.QUEUED)
            settle.settle([(claimed_videos, answer)])
    return reloaded(video)


def open_circuit(name: str = "sandbox", times: int = 3) -> None:
    """Open the circuit of an engine with this many failed submits in a row."""
    for video in [Video(engine=name) for _ in range(times)]:
        circuit_breaker.record_submit(name, video.pk, DOWN)


def state_of(name: str = "sandbox") -> tuple[int, bool]:
    """Return the failures in a row, and whether the circuit is open."""
    row = EngineCircuit.objects.get(pk=name)
    return row.failures, row.opened_at is not None


def wait_of(video: Video) -> float:
    due = reloaded(video).next_step_at
    assert due
    return (due - timezone.now()).total_seconds()


# ---- opening ----


def test_circuit_opens_when_orders_fail_in_a_row(alice: User) -> None:
    seen = []
    for n in range(3):
        submit_once(order(alice, f"{n}"), DOWN)
        seen.append(state_of())
    assert seen == [(1, False), (2, False), (3, True)]


@pytest.mark.parametrize(
    "error", [DOWN, LOST, BadAnswer("<html>"), AuthFailed("key"), OutOfCredit("empty")]
)
def test_failure_is_counted_when_the_engine_caused_it(alice: User, error: EngineError) -> None:
    submit_once(order(alice), error)
    assert state_of() == (1, False)


@pytest.mark.parametrize(
    "error", [Blocked("x"), InvalidRequest("x"), RateLimited("x"), Unsupported("x"), None]
)
def test_count_restarts_when_the_engine_answers(alice: User, error: EngineError | None) -> None:
    open_circuit(times=2)
    submit_once(order(alice), error)
    assert state_of() == (0, False)


def test_failure_is_not_counted_when_we_caused_it(alice: User) -> None:
    open_circuit(times=2)
    submit_once(
        order(alice), Unavailable("disk full", code=circuit_breaker.OUR_FAULT, maybe_accepted=True)
    )
    assert state_of() == (2, False)


def test_circuit_stays_closed_when_a_poll_fails(alice: User) -> None:
    video = running(order(alice))
    for _ in range(5):
        submit_once(video, DOWN)
    assert not EngineCircuit.objects.exists()


# ---- waiting ----


def test_orders_wait_when_there_is_no_other_engine(alice: User) -> None:
    open_circuit()
    video = submit_once(order(alice))
    assert (video.status, video.submit_count, video.lease) == ("queued", 0, None)
    assert 8 < wait_of(video) <= 10


def test_waiting_order_times_out_and_is_refunded_when_its_deadline_passes(alice: User) -> None:
    video = order(alice)
    open_circuit()
    EngineCircuit.objects.update(retry_at=timezone.now() + timedelta(hours=1))
    Video.objects.update(deadline_at=timezone.now() + timedelta(seconds=5))
    assert 0 < wait_of(submit_once(video)) <= 5
    Video.objects.update(deadline_at=clock.now(), next_step_at=clock.now())
    settle.settle(
        [(claimed_videos, execute.execute(claimed_videos)) for claimed_videos in claim.claim_due(1)]
    )
    assert (reloaded(video).status, credits.available(alice)) == ("timeout", 100)


def test_one_order_is_sent_as_a_trial_when_the_pause_is_over(alice: User) -> None:
    grant_credits(alice, 100)
    open_circuit()
    videos = [order(alice, f"{n}") for n in range(4)]
    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        claimed_videos = claim.claim_due(100)
        assert [video.status for video in claimed_videos] == ["submitting"]
        assert sorted(reloaded(v).status for v in videos) == ["queued"] * 3 + ["submitting"]


def test_all_orders_are_sent_when_the_trial_succeeds(alice: User) -> None:
    grant_credits(alice, 100)
    open_circuit()
    videos = [submit_once(order(alice, f"{n}")) for n in range(3)]
    with time_machine.travel(timezone.now() + timedelta(seconds=5)):
        EngineCircuit.objects.update(retry_at=timezone.now())
        submit_once(videos[0])
        assert state_of() == (0, False)
        assert [wait for wait in map(wait_of, videos[1:]) if wait > 0] == []
        assert len([v for v in claim.claim_due(100) if v.status == "submitting"]) == 2


def test_pause_doubles_when_the_trial_fails(alice: User) -> None:
    open_circuit()
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
            submit_once(video, DOWN)
    assert pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600]


def test_pause_is_unchanged_when_earlier_orders_fail_late(db: None) -> None:
    open_circuit()
    before = EngineCircuit.objects.get().retry_at
    open_circuit()
    assert EngineCircuit.objects.get().retry_at == before


def test_another_order_is_the_trial_when_the_worker_of_the_first_died(alice: User) -> None:
    open_circuit()
    first, second = order(alice, "1"), order(alice, "2")
    now = timezone.now() + timedelta(seconds=11)
    assert circuit_breaker.claim_trial("sandbox", first.pk, now)
    assert not circuit_breaker.claim_trial("sandbox", second.pk, now)
    assert circuit_breaker.claim_trial("sandbox", second.pk, now + circuit_breaker.TRIAL_TIME)


@pytest.mark.django_db(transaction=True)
def test_exactly_one_order_is_the_trial_when_workers_claim_at_once(alice: User) -> None:
    grant_credits(alice, 1000)
    for n in range(20):
        order(alice, f"{n}")
    open_circuit()
    EngineCircuit.objects.update(retry_at=timezone.now())
    claimed_videos = run_concurrently([partial(claim.claim_due, 5)] * 4)
    submitting = [video.pk for batch in claimed_videos for video in batch]
    assert (len(submitting), invariants.problems()) == (1, [])


# ---- moving on ----


@pytest.mark.usefixtures("two_engines")
def test_order_moves_to_the_next_engine_when_its_engine_was_not_reached(alice: User) -> None:
    video = submit_once(order(alice), DOWN)
    assert (video.engine, video.status, video.submit_count) == ("second", "queued", 0)
    assert wait_of(video) <= 0
    video = submit_once(video)
    assert (video.engine, video.status, video.submit_count) == ("second", "running", 1)
    note = video.events.get(note__contains="moved").note
    assert note == "moved from first: upstream_unavailable: connection refused"


@pytest.mark.usefixtures("two_engines")
@pytest.mark.parametrize("error", [AuthFailed("key"), OutOfCredit("empty")])
def test_order_moves_to_the_next_engine_when_the_engine_account_is_unusable(
    alice: User, error: EngineError
) -> None:
    video = submit_once(order(alice), error)
    assert (video.engine, video.status) == ("second", "queued")
    video = submit_once(video, error)
    assert (video.status, video.failure_code) == ("failed", error.code)
    assert (credits.available(alice), invariants.problems()) == (100, [])


@pytest.mark.usefixtures("two_engines")
@pytest.mark.parametrize("error", [Blocked("x"), InvalidRequest("x"), RateLimited("x")])
def test_order_stays_when_the_engine_is_not_at_fault(alice: User, error: EngineError) -> None:
    assert submit_once(order(alice), error).engine == "first"


@pytest.mark.usefixtures("two_engines")
def test_order_stays_when_the_engine_may_have_accepted_it(alice: User) -> None:
    video = submit_once(order(alice), LOST)
    assert (video.engine, video.status) == ("first", "submit_unknown")
    for _ in range(
        settle.MAX_SEARCHES
    ):  # it is not in the list, so it may be sent again: to the same one
        Video.objects.update(next_step_at=clock.now())
        settle.settle([(claimed_videos, []) for claimed_videos in claim.claim_due(1)])
    assert reloaded(video).status == "queued"
    video = submit_once(video, DOWN)
    assert (video.engine, video.status) == ("first", "queued")
    open_circuit("first")
    video = submit_once(video)
    assert (video.engine, video.status) == ("first", "queued")


@pytest.mark.usefixtures("two_engines")
def test_waiting_and_new_orders_use_the_next_engine_when_one_is_paused(alice: User) -> None:
    waiting = order(alice)
    open_circuit("first")
    assert order(alice, "New").engine == "second"
    waiting = submit_once(waiting)
    assert (waiting.engine, waiting.status) == ("second", "running")


@pytest.mark.usefixtures("two_engines")
def test_one_order_tries_the_first_engine_when_its_pause_is_over(alice: User) -> None:
    open_circuit("first")
    with time_machine.travel(timezone.now() + timedelta(seconds=11)):
        one, other = order(alice, "1"), order(alice, "2")
        claimed_videos = claim.claim_due(100)
        assert sorted(video.engine for video in claimed_videos) == ["first", "second"]
        settle.settle([(video, Job(video.pk.hex, JobState.QUEUED)) for video in claimed_videos])
        assert {reloaded(one).status, reloaded(other).status} == {"running"}
        assert state_of("first") == (0, False)


def test_order_moves_to_the_next_engine_when_its_engine_is_no_longer_configured(
    alice: User, settings: LazySettings
) -> None:
    video = order(alice)
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {}
    video = submit_once(video)
    assert (video.engine, video.status) == ("sandbox", "queued")
    assert wait_of(video) > 8
    settings.ENGINES = {"new": sandbox}
    video = submit_once(video)
    assert (video.engine, video.status) == ("new", "running")


@pytest.mark.usefixtures("two_engines")
def test_orders_wait_when_all_engines_are_paused(alice: User) -> None:
    open_circuit("first")
    open_circuit("second")
    video = submit_once(order(alice))
    assert (video.engine, video.status) == ("first", "queued")


@pytest.mark.usefixtures("two_engines")
def test_remix_stays_at_the_engine_of_its_source(alice: User, mp4: bytes) -> None:
    video = orders.remix(completed(order(alice), mp4), "At night")
    assert submit_once(video, DOWN).engine == "first"


def test_remix_is_refused_and_free_when_the_engine_of_its_source_cannot_remix(
    alice: User, mp4: bytes, settings: LazySettings
) -> None:
    source = completed(order(alice), mp4)
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {"sandbox": {**sandbox, "operations": "text,image"}, "other": sandbox}
    with pytest.raises(offers.NotOffered):
        orders.remix(source, "At night")
    assert (credits.available(alice), Video.objects.count()) == (80, 1)


def test_engines_are_chosen_by_model_operation_and_length(settings: LazySettings) -> None:
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {
        "short": {**sandbox, "max_seconds": "10"},
        "pro": {**sandbox, "offered_models": "sora-2-pro"},
        "plain": {**sandbox, "operations": "text,image"},
        "real": {**sandbox, "is_sandbox": ""},
        "all": sandbox,
    }
    assert offers.engines_for("sora-2", "text", seconds=8) == ["short", "plain", "all"]
    assert offers.engines_for("sora-2", "remix", seconds=20) == ["all"]
    assert offers.engines_for("sora-2-pro", "image", seconds=12) == ["pro", "plain", "all"]
    assert offers.engines_for("sora-9") == []


def test_sandbox_is_not_used_when_a_real_engine_is_configured(settings: LazySettings) -> None:
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {"real": {**sandbox, "is_sandbox": ""}, "sandbox": sandbox}
    assert offers.engines_for("sora-2") == ["real"]


def test_order_of_a_real_engine_never_moves_to_the_sandbox(
    settings: LazySettings, alice: User
) -> None:
    sandbox = settings.ENGINES["sandbox"]
    real = {**sandbox, "is_sandbox": ""}
    settings.ENGINES = {"real": real, "sandbox": sandbox}
    video = order(alice)
    assert video.engine == "real"
    settings.ENGINES = {"sandbox": sandbox, "real": real, "other": real}
    assert offers.engines_for("sora-2") == ["sandbox"]
    assert routing.find_other_engine(video) == ""


def test_next_engine_renders_the_video_when_the_first_is_down(
    live: ServerThread, alice: User, settings: LazySettings, finish: Callable[[Video], Video]
) -> None:
    sandbox = settings.ENGINES["sandbox"]
    settings.ENGINES = {"down": {**sandbox, "base_url": "http://127.0.0.1:9/v1"}, "up": sandbox}
    base.get.cache_clear()
    video = finish(order(alice, "A kite [[instant]]"))
    assert (video.status, video.engine, video.submit_count) == ("succeeded", "up", 1)
    assert (credits.available(alice), state_of("down")) == (80, (1, False))


# ---- who sees what ----


def test_health_is_degraded_without_details_when_a_circuit_is_open(alice: User) -> None:
    circuit_breaker.record_submit("sandbox", alice.pk, AuthFailed("key sk-secret is wrong"))
    assert Client().get("/health").json()["status"] == "ok"
    open_circuit()
    answer = Client().get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "degraded", "version": "0.2.0"})


def admin_page(user: User, path: str = "") -> Any:
    client = Client()
    client.force_login(user)
    return client.get(f"/admin/videos/enginecircuit/{path}")


def test_staff_see_which_engine_is_paused_and_why(staff: User) -> None:
    assert "accepts orders" in admin_page(staff).content.decode()
    open_circuit()
    page = admin_page(staff).content.decode()
    assert "paused" in page
    assert "connection refused" in page
    since = EngineCircuit.objects.get().opened_at
    assert isinstance(since, datetime)
    assert "connection refused" in admin_page(staff, "sandbox/change/").content.decode()


def test_circuit_page_is_refused_when_the_user_is_not_staff(alice: User) -> None:
    assert admin_page(alice).status_code == 302


def test_circuits_cannot_be_added_or_deleted_by_staff(staff: User) -> None:
    circuit_breaker.circuits()
    assert admin_page(staff, "add/").status_code == 403
    assert admin_page(staff, "sandbox/delete/").status_code == 403
