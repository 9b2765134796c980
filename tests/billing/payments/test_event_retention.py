"""Retention of Stripe's events: finished ones go, the ledger and open ones stay."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from billing.models import Entry, StripeEvent
from billing.payments import event_retention
from tests.conftest import create_user

State = StripeEvent.State


def add(state: State, days: int) -> str:
    moment = timezone.now() - timedelta(days=days)
    row = StripeEvent(
        id=f"evt_{state}_{days}", type="charge.refunded", created_at=moment, received_at=moment,
        live=False, object={}, state=state,
    )  # fmt: skip
    row.save()
    return row.id


@pytest.mark.parametrize("kept", [100, 0])
def test_finished_events_go_after_the_days_of_the_setting(
    db: None, settings: LazySettings, kept: int
) -> None:
    create_user("carol")
    entries = set(Entry.objects.values_list("pk", flat=True))
    settings.STRIPE_EVENT_KEPT = timedelta(days=kept)
    old = {add(state, 101) for state in (State.DONE, State.IGNORED, State.UNMATCHED)}
    staying = {add(state, 101) for state in (State.NEW, State.ERROR, State.REVIEW)}
    staying.add(add(State.DONE, 99))
    assert event_retention.delete_old() == (3 if kept else 0)
    left = set(StripeEvent.objects.values_list("pk", flat=True))
    assert left == (staying if kept else staying | old)
    assert set(Entry.objects.values_list("pk", flat=True)) == entries != set()
