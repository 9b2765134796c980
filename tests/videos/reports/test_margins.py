"""Margins by model and day, and what engines charge today."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits
from config.environment.exchange_rates import ExchangeRate
from tests.videos.conftest import claimed, completed, failed, order, running
from tests.videos.conftest import mp4 as mp4  # noqa: PLC0414
from tests.videos.jobs.money.test_costs import RUNWAY, dollars
from videos.engines.errors import InvalidRequest, Unavailable
from videos.jobs import state_machine
from videos.jobs.worker import settle
from videos.models import Video
from videos.reports import margins
from videos.reports.margins import Margin, Spend

OPENAI = {**RUNWAY, "adapter": "openai"}


@pytest.fixture(autouse=True)
def _engines(settings: LazySettings, alice: User) -> None:
    settings.ENGINES = {"runway": RUNWAY, "own": OPENAI}
    settings.EXCHANGE_RATES = {"USD": ExchangeRate(Decimal(7), timezone.localdate())}
    settings.CREDIT_VALUE_RMB = Decimal("0.1")
    credits.grant(alice, 1000, credits.Kind.BONUS, "for many orders", expires_at=None)


def film(user: User) -> Video:
    """An order of 60 credits, worth ¥6, that the catalog estimates at 60 cents, ¥4.20."""
    return order(user, model="gen-4.5", seconds=5)


def move_back(video: Video, days: int) -> None:
    then = timezone.now() - timedelta(days=days)
    Video.objects.filter(pk=video.pk).update(created_at=then, submitted_at=then, completed_at=then)


def test_margin_is_the_value_of_the_credits_minus_the_cost(alice: User, mp4: bytes) -> None:
    today = timezone.localdate()
    completed(film(alice), mp4)
    move_back(completed(film(alice), mp4), 2)
    state_machine.cancel(running(film(alice)))
    failed(film(alice))
    # Of these the engine took none.
    film(alice)
    settle.settle([(claimed(film(alice)), InvalidRequest("no"))])
    # Too long ago.
    move_back(completed(film(alice), mp4), 8)
    value, cost = Decimal("6.0"), Decimal("4.20")
    models, days = margins.by_model_and_day()
    assert models == [Margin("gen-4.5", None, 4, 2 * value, 3 * cost)]
    assert [row.margin for row in models] == [Decimal("-0.60")]
    assert days == [
        Margin("gen-4.5", today, 3, value, 2 * cost),
        Margin("gen-4.5", today - timedelta(days=2), 1, value, cost),
    ]


def test_margin_is_unknown_when_a_cost_is(alice: User, mp4: bytes, settings: LazySettings) -> None:
    completed(order(alice, model="sora-2"), mp4)
    video = film(alice)
    settle.settle([(claimed(video), Unavailable("no answer", maybe_accepted=True))])
    state_machine.end_overdue(Video.objects.get(pk=video.pk))
    models, _days = margins.by_model_and_day()
    assert models == [
        Margin("sora-2", None, 1, Decimal("2.0"), unknown=1),
        Margin("gen-4.5", None, 1, unknown=1),
    ]
    assert [row.margin for row in models] == [None, None]
    completed(film(alice), mp4)
    settings.EXCHANGE_RATES = {}
    models, _days = margins.by_model_and_day()
    assert [(row.model, row.unknown) for row in models] == [("gen-4.5", 2), ("sora-2", 1)]


def test_order_that_no_engine_took_is_no_job_when_its_time_was_over(
    alice: User, settings: LazySettings
) -> None:
    video = film(alice)
    held = claimed(video)
    held.deadline_at = timezone.now()
    settle.settle([(held, Unavailable("connection refused"))])
    assert Video.objects.get(pk=video.pk).failure_code == "queue_timeout"
    assert margins.by_model_and_day() == ([], [])


def test_sandbox_has_no_margin_and_no_spend(
    alice: User, mp4: bytes, settings: LazySettings
) -> None:
    settings.ENGINES = {"runway": {**RUNWAY, "is_sandbox": "1"}}
    completed(film(alice), mp4)
    assert (margins.by_model_and_day(), margins.spend_today()) == (([], []), {})


def test_spend_today_counts_the_jobs_that_engines_took_today(alice: User) -> None:
    running(film(alice))
    running(film(alice), cost=dollars("0.50"))
    failed(film(alice))
    move_back(running(film(alice)), 1)
    film(alice)
    running(order(alice, model="sora-2"))
    assert margins.spend_today() == {
        "runway": Spend({"USD": Decimal("1.10")}),
        "own": Spend({}, unknown=1),
    }


def test_reports_take_one_query_each(
    alice: User, mp4: bytes, django_assert_num_queries: Any
) -> None:
    completed(film(alice), mp4)
    completed(order(alice, model="sora-2"), mp4)
    with django_assert_num_queries(2):
        margins.by_model_and_day()
        margins.spend_today()


def test_dashboard_shows_margins_warnings_and_spend(
    staff_client: Client, alice: User, mp4: bytes, settings: LazySettings
) -> None:
    completed(film(alice), mp4)
    completed(order(alice, model="sora-2"), mp4)
    settings.EXCHANGE_RATES = {"USD": ExchangeRate(Decimal(20), timezone.localdate())}
    text = " ".join(staff_client.get("/admin/").content.decode().split())
    assert "<td>¥6.00</td> <td>¥12.00</td>" in text
    assert '<span class="badge badge--bad">-¥6.00</span>' in text
    assert "<td>¥2.00</td> <td> unknown for 1 job </td> <td>unknown</td>" in text
    assert "Runway Gen-4.5 at runway is sold below cost" in text
    assert "$0.60" in text
    assert "1 job of unknown cost" in text


@pytest.mark.parametrize("signed_in", [True, False])
def test_dashboard_is_refused_when_the_visitor_is_not_staff(page: Client, signed_in: bool) -> None:
    answer = (page if signed_in else Client()).get("/admin/", follow=True)
    assert (answer.status_code, "Margins" in answer.content.decode()) == (
        403 if signed_in else 200,
        False,
    )


def test_staff_see_costs_but_no_values_when_billing_is_off(
    alice: User, staff_client: Client, settings: LazySettings
) -> None:
    settings.BILLING = False
    completed(film(alice), b"mp4")
    html = " ".join(staff_client.get("/admin/").content.decode().split())
    assert "Costs, last 7 days" in html
    assert "<td>¥4.20</td>" in html
    absent = ("Margins, last 7 days", "Revenue today", "Credits today", "below cost", "Value")
    assert [words for words in absent if words in html] == []
