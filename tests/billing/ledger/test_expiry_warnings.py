"""E-mails about credits that are about to expire."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core import mail
from time_machine import Traveller

from accounts.models import User
from billing.ledger import credits, expiry_warnings
from billing.models import Lot
from tests.billing.conftest import DAY, START, create_user_without_credits, grant_credits
from tests.concurrency import run_concurrently

WEEK = 7 * DAY


def sent_warnings() -> list[tuple[list[str], str]]:
    return [(message.to, str(message.subject)) for message in mail.outbox]


def test_warning_is_sent_when_credits_expire_in_a_week(carol: User, clock: Traveller) -> None:
    grant_credits(carol, 30, until=START + 30 * DAY)
    clock.move_to(START + 30 * DAY - WEEK - timedelta(seconds=1))
    assert (expiry_warnings.send_due(), sent_warnings()) == (0, [])
    clock.shift(1)
    assert expiry_warnings.send_due() == 1
    assert sent_warnings() == [(["carol@example.com"], "30 credits are about to expire")]
    body = str(mail.outbox[0].body)
    assert "30 of your credits expire on 31 January 2026, 00:00 (UTC)." in body
    assert "/billing/" in body


def test_warning_is_sent_once_per_lot_when_several_expire(carol: User, clock: Traveller) -> None:
    grant_credits(carol, 30, until=START + 30 * DAY)
    grant_credits(carol, 1, until=START + 31 * DAY)
    clock.move_to(START + 25 * DAY)
    assert [expiry_warnings.send_due() for _ in range(3)] == [2, 0, 0]
    assert [subject for _, subject in sent_warnings()] == [
        "30 credits are about to expire",
        "1 credit is about to expire",
    ]


def test_warning_counts_the_remaining_credits_when_some_are_spent(
    carol: User, clock: Traveller
) -> None:
    grant_credits(carol, 30, until=START + 30 * DAY)
    credits.spend(carol, 10, "spend")
    clock.move_to(START + 25 * DAY)
    expiry_warnings.send_due()
    assert [subject for _, subject in sent_warnings()] == ["20 credits are about to expire"]


def test_warning_is_not_sent_when_credits_are_spent_expired_or_permanent(
    carol: User, clock: Traveller
) -> None:
    grant_credits(carol, 30, until=START + 30 * DAY)
    credits.spend(carol, 30, "spend")
    grant_credits(carol, 5, until=START + 20 * DAY)
    grant_credits(carol, 5)
    clock.move_to(START + 25 * DAY)
    assert (expiry_warnings.send_due(), sent_warnings()) == (0, [])


def test_warning_is_not_sent_when_credits_live_only_a_week(carol: User, clock: Traveller) -> None:
    grant_credits(carol, 5, until=START + WEEK)
    clock.move_to(START + 3 * DAY)
    assert expiry_warnings.send_due() == 0


def test_warning_is_not_sent_when_there_is_no_address_or_the_account_is_closed(
    carol: User, dave: User, clock: Traveller
) -> None:
    for user in (carol, dave):
        grant_credits(user, 5, until=START + 30 * DAY)
    User.objects.filter(pk=carol.pk).update(email="")
    User.objects.filter(pk=dave.pk).update(is_active=False)
    clock.move_to(START + 25 * DAY)
    assert (expiry_warnings.send_due(), sent_warnings()) == (0, [])


def test_warning_is_sent_again_when_the_e_mail_failed(
    carol: User, dave: User, clock: Traveller, mail_errors: dict[str, Exception]
) -> None:
    grant_credits(carol, 5, until=START + 29 * DAY)
    grant_credits(dave, 5, until=START + 30 * DAY)
    clock.move_to(START + 25 * DAY)
    mail_errors[carol.email] = ValueError("an e-mail that cannot be written")
    assert expiry_warnings.send_due() == 1
    mail_errors.clear()
    assert expiry_warnings.send_due() == 1
    assert [to for to, _ in sent_warnings()] == [["dave@example.com"], ["carol@example.com"]]


@pytest.mark.parametrize(("days", "count"), [(0, 0), (3, 0), (10, 1)])
def test_warning_follows_the_setting_when_it_changes(
    carol: User, clock: Traveller, settings: LazySettings, days: int, count: int
) -> None:
    settings.EXPIRY_WARNING = days * DAY
    grant_credits(carol, 5, until=START + 30 * DAY)
    clock.move_to(START + 25 * DAY)
    assert expiry_warnings.send_due() == count


def test_warning_is_sent_again_when_it_is_the_last_day(carol: User, clock: Traveller) -> None:
    grant_credits(carol, 30, until=START + 30 * DAY)
    clock.move_to(START + 25 * DAY)
    assert [expiry_warnings.send_due(), expiry_warnings.send_due()] == [1, 0]
    clock.move_to(START + 29 * DAY - timedelta(seconds=1))
    assert expiry_warnings.send_due() == 0
    clock.shift(1)
    assert [expiry_warnings.send_due(), expiry_warnings.send_due()] == [1, 0]
    assert len(sent_warnings()) == 2


def test_warning_is_sent_once_when_the_first_is_on_the_last_day(
    carol: User, clock: Traveller
) -> None:
    grant_credits(carol, 30, until=START + 30 * DAY)
    clock.move_to(START + 29 * DAY)
    assert [expiry_warnings.send_due(), expiry_warnings.send_due()] == [1, 0]


@pytest.mark.django_db(transaction=True)
def test_warning_is_sent_once_when_many_runs_start_together() -> None:
    erin = create_user_without_credits("erin")
    grant_credits(erin, 5)
    now = Lot.objects.get().created_at
    Lot.objects.update(created_at=now - 30 * DAY, expires_at=now + DAY)
    assert sorted(run_concurrently([expiry_warnings.send_due] * 10)) == [*[0] * 9, 1]
    assert len(sent_warnings()) == 1
