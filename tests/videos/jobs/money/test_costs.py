"""What jobs cost the operator: the engine's figure, else the catalog's estimate."""

from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from tests.videos.conftest import answered, claimed, completed, failed, order, reloaded, running
from tests.videos.conftest import mp4 as mp4  # noqa: PLC0414
from videos.engines.base import Cost, Job, JobState
from videos.engines.errors import InvalidRequest, Refused, Unavailable
from videos.jobs import state_machine
from videos.jobs.worker import settle
from videos.models import Video

RUNWAY = {"adapter": "runway", "base_url": "http://127.0.0.1:9/v1", "api_key": "k",
          "webhook_secret": "", "models": ""}  # fmt: skip
NOTHING = (None, "", "")


@pytest.fixture(autouse=True)
def _runway(settings: LazySettings) -> None:
    settings.ENGINES = {"runway": RUNWAY}


def film(user: User) -> Video:
    """An order that the catalog estimates at 5 s of 12 cents."""
    return order(user, model="gen-4.5", seconds=5)


def dollars(amount: str) -> Cost:
    return Cost(Decimal(amount), "USD")


def cost_of(video: Video) -> tuple[Any, str, str]:
    found = reloaded(video)
    return found.cost_amount, found.cost_currency, found.cost_source


def test_cost_is_unknown_until_the_engine_took_the_job(alice: User) -> None:
    video = film(alice)
    assert cost_of(video) == NOTHING
    settle.settle([(claimed(video), Unavailable("down"))])
    assert cost_of(video) == NOTHING


def test_cost_is_estimated_by_the_catalog_when_the_engine_states_none(
    alice: User, mp4: bytes
) -> None:
    video = film(alice)
    running(video)
    assert cost_of(video) == (Decimal("0.6"), "USD", "estimate")
    completed(video, mp4)
    assert cost_of(video) == (Decimal("0.6"), "USD", "estimate")


def test_last_figure_of_the_engine_is_stored_when_it_states_several(alice: User) -> None:
    video = film(alice)
    stored = []
    for state, cost in (
        (JobState.QUEUED, dollars("0.70")),
        (JobState.RUNNING, None),
        (JobState.RUNNING, dollars("0.55")),
        (JobState.SUCCEEDED, dollars("0.4000004")),
    ):
        answered(video, state, cost=cost)
        stored.append(cost_of(video))
    assert stored == [
        (Decimal(amount), "USD", "engine") for amount in ("0.7", "0.7", "0.55", "0.4")
    ]


def test_failed_job_keeps_what_the_engine_charged(alice: User) -> None:
    video = running(film(alice), cost=dollars("0.70"))
    answered(video, JobState.FAILED, failure=Refused("It broke.", code="x"), cost=dollars("0.20"))
    assert (reloaded(video).status, cost_of(video)) == (
        "failed",
        (Decimal("0.2"), "USD", "engine"),
    )


def test_failed_job_costs_nothing_when_the_engine_states_no_cost(alice: User) -> None:
    video = failed(film(alice))
    assert cost_of(video) == (0, "USD", "estimate")


def test_cancelled_job_keeps_its_cost_when_the_engine_had_taken_it(alice: User) -> None:
    video = running(film(alice))
    state_machine.cancel(video)
    assert cost_of(video) == (Decimal("0.6"), "USD", "estimate")


def test_cost_is_stored_when_the_video_was_cancelled_during_the_submit(alice: User) -> None:
    video = film(alice)
    held = claimed(video)
    state_machine.cancel(video)
    settle.settle([(held, Job("job_1", JobState.QUEUED, cost=dollars("0.70")))])
    assert (reloaded(video).status, cost_of(video)) == (
        "cancelled",
        (Decimal("0.7"), "USD", "engine"),
    )


def test_refused_order_has_no_cost(alice: User) -> None:
    video = film(alice)
    settle.settle([(claimed(video), InvalidRequest("no"))])
    assert (reloaded(video).status, cost_of(video)) == ("failed", NOTHING)


def test_cost_is_unknown_when_neither_engine_nor_catalog_state_it(
    alice: User, settings: LazySettings
) -> None:
    settings.ENGINES = {"own": {**RUNWAY, "adapter": "openai"}}
    assert cost_of(running(order(alice, model="sora-2"))) == NOTHING


def test_sandbox_has_no_cost(alice: User, settings: LazySettings) -> None:
    settings.ENGINES = {"runway": {**RUNWAY, "is_sandbox": "1"}}
    assert cost_of(running(film(alice))) == NOTHING


@pytest.mark.parametrize(
    "stated",
    [
        Cost(Decimal("NaN"), "USD"),
        Cost(Decimal(-1), "USD"),
        Cost(Decimal("1e6"), "USD"),
        Cost(Decimal(1), "credits"),
    ],
)
def test_estimate_is_kept_when_the_stated_cost_cannot_be_stored(alice: User, stated: Cost) -> None:
    video = running(film(alice), cost=stated)
    assert cost_of(video) == (Decimal("0.6"), "USD", "estimate")


def test_poll_writes_the_cost_only_when_it_changed(alice: User) -> None:
    video = running(film(alice), cost=dollars("0.70"))

    def updates_of(job: Job) -> int:
        held = claimed(video)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            settle.settle([(held, job)])
        return sum('SET "cost_amount"' in query["sql"] for query in queries)

    job_id = reloaded(video).engine_job_id
    same = Job(job_id, JobState.RUNNING, cost=dollars("0.70"))
    other = Job(job_id, JobState.RUNNING, cost=dollars("0.65"))
    assert (updates_of(same), updates_of(other)) == (0, 1)
