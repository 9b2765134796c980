"""Limits of engines: jobs at once and submits a minute, across workers."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.billing.conftest import grant_credits
from tests.concurrency import run_concurrently
from tests.videos.conftest import order, reloaded, running
from tests.videos.jobs.money.test_costs import RUNWAY
from videos.engines.base import Job, JobState
from videos.engines.errors import Unavailable
from videos.jobs import state_machine
from videos.jobs.engine_choice import circuit_breaker
from videos.jobs.worker import claim, settle
from videos.models import EngineUsage, Video, VideoEvent

Limit = Callable[..., None]


@pytest.fixture
def limit(settings: LazySettings, alice: User) -> Limit:
    """Sets the limits of the engine "runway"; the engine "own" has none."""
    grant_credits(alice, 5000)

    def set_limits(**limits: str) -> None:
        settings.JOBS_PER_USER = 0
        settings.ENGINES = {
            "runway": {**RUNWAY, **limits},
            "own": {**RUNWAY, "adapter": "openai"},
        }

    return set_limits


def films(user: User, count: int) -> list[Video]:
    return [order(user, f"film {n}", model="gen-4.5", seconds=2) for n in range(count)]


def submitted() -> list[str]:
    """Claim what is due and return the prompts of the orders that go to engines."""
    return sorted(video.prompt for video in claim.claim_due(40) if video.status == "submitting")


def end(prompt: str) -> None:
    state_machine.cancel(Video.objects.get(prompt=prompt))
    Video.objects.filter(prompt=prompt).update(next_step_at=None)


def test_order_waits_while_its_engine_has_no_free_place(alice: User, limit: Limit) -> None:
    limit(max_jobs="2")
    films(alice, 5)
    order(alice, "another engine", model="sora-2")
    assert submitted() == ["another engine", "film 0", "film 1"]
    assert submitted() == []
    end("film 0")
    assert submitted() == ["film 2"]


def test_orders_of_a_full_engine_do_not_keep_others_waiting(alice: User, limit: Limit) -> None:
    limit(max_jobs="1")
    films(alice, 30)
    order(alice, "another engine", model="sora-2")
    taken = [video.prompt for _ in range(2) for video in claim.claim_due(4)]
    assert sorted(taken) == ["another engine", "film 0"]


def test_engine_gets_only_so_many_orders_in_a_minute(
    alice: User, limit: Limit, time_machine: Any
) -> None:
    limit(max_per_minute="3")
    time_machine.move_to("2026-11-20 10:00:00Z", tick=False)
    films(alice, 7)
    assert len(submitted()) == 3
    # Jobs that have ended count too.
    end("film 0")
    time_machine.shift(timedelta(seconds=59))
    Video.objects.filter(status="submitting").update(next_step_at=None)
    assert submitted() == []
    time_machine.shift(timedelta(seconds=1))
    assert len(submitted()) == 3
    assert len(EngineUsage.objects.get().submits) == 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("option", ["max_jobs", "max_per_minute"])
def test_limit_holds_when_several_workers_claim_at_once(
    alice: User, limit: Limit, option: str
) -> None:
    limit(**{option: "3"})
    films(alice, 12)
    taken = run_concurrently([lambda: [video.pk for video in claim.claim_due(8)] for _ in range(4)])
    found = [pk for batch in taken for pk in batch]
    found += [video.pk for video in claim.claim_due(8)]
    assert (len(found), Counter(Video.objects.values_list("status", flat=True))) == (
        3,
        {"submitting": 3, "queued": 9},
    )


def test_order_that_leaves_a_paused_engine_keeps_the_limit_of_the_next(
    alice: User, limit: Limit, settings: LazySettings
) -> None:
    limit()
    second = {**RUNWAY, "max_jobs": "1"}
    settings.ENGINES = {"runway": RUNWAY, "second": second}
    settings.CIRCUIT_FAILURES = 1
    videos = films(alice, 3)
    circuit_breaker.record_submit("runway", videos[0].pk, Unavailable("down"))
    submitted()
    assert set(Video.objects.values_list("engine", flat=True)) == {"second"}
    assert VideoEvent.objects.filter(note__startswith="moved from runway").count() == 3
    assert submitted() == ["film 0"]
    assert submitted() == []


def test_engines_without_limits_take_no_further_queries(alice: User, limit: Limit) -> None:
    limit()
    films(alice, 1)
    with CaptureQueriesContext(connection) as queries:
        assert len(submitted()) == 1
    assert [query for query in queries if "engineusage" in query["sql"]] == []


def test_lost_submit_keeps_its_place(alice: User, limit: Limit) -> None:
    limit(max_jobs="1")
    (first, _second) = films(alice, 2)
    (held,) = claim.claim_due(40)
    settle.settle([(held, Unavailable("no answer", maybe_accepted=True))])
    assert (reloaded(first).status, submitted()) == ("submit_unknown", [])
    video = running(order(alice, "elsewhere", model="sora-2"))
    assert video.engine == "own"


def test_finished_job_gives_its_place_to_the_next_order(alice: User, limit: Limit) -> None:
    limit(max_jobs="1")
    films(alice, 2)
    (held,) = claim.claim_due(40)
    settle.settle([(held, Job("job_1", JobState.SUCCEEDED))])
    assert submitted() == ["film 1"]
