"""Whoever has credits that expire in a week is written to, once."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.core import mail
from time_machine import Traveller

from accounts.models import User
from billing.ledger import credits, expiry_warnings
from billing.models import Lot
from tests.billing.conftest import DAY, T, give, newcomer, outcomes

WEEK = 7 * DAY


def warned() -> list[tuple[list[str], str]]:
    return [(letter.to, str(letter.subject)) for letter in mail.outbox]


def test_warning_a_week_before(carol: User, clock: Traveller) -> None:
    give(carol, 30, until=T + 30 * DAY)
    clock.move_to(T + 30 * DAY - WEEK - timedelta(seconds=1))
    assert (expiry_warnings.send_due(), warned()) == (0, [])
    clock.shift(1)
    assert expiry_warnings.send_due() == 1
    assert warned() == [(["carol@example.com"], "30 credits are about to expire")]
    body = str(mail.outbox[0].body)
    assert "30 of your credits expire on 31 January 2026, 00:00 (UTC)." in body
    assert "/billing/" in body


def test_warning_is_one_per_lot(carol: User, clock: Traveller) -> None:
    give(carol, 30, until=T + 30 * DAY)
    give(carol, 1, until=T + 31 * DAY)
    clock.move_to(T + 25 * DAY)
    assert [expiry_warnings.send_due() for _ in range(3)] == [2, 0, 0]
    assert [subject for _, subject in warned()] == [
        "30 credits are about to expire",
        "1 credit is about to expire",
    ]


def test_warning_tells_what_is_left(carol: User, clock: Traveller) -> None:
    give(carol, 30, until=T + 30 * DAY)
    credits.spend(carol, 10, "spend")
    clock.move_to(T + 25 * DAY)
    expiry_warnings.send_due()
    assert [subject for _, subject in warned()] == ["20 credits are about to expire"]


def test_no_warning_of_what_is_spent_dead_or_lasts(carol: User, clock: Traveller) -> None:
    give(carol, 30, until=T + 30 * DAY)
    credits.spend(carol, 30, "spend")
    give(carol, 5, until=T + 20 * DAY)
    give(carol, 5)
    clock.move_to(T + 25 * DAY)
    assert (expiry_warnings.send_due(), warned()) == (0, [])


def test_no_warning_of_credits_given_for_a_week(carol: User, clock: Traveller) -> None:
    give(carol, 5, until=T + WEEK)
    clock.move_to(T + 3 * DAY)
    assert expiry_warnings.send_due() == 0


def test_no_warning_without_an_address_or_to_a_closed_account(
    carol: User, dave: User, clock: Traveller
) -> None:
    for user in (carol, dave):
        give(user, 5, until=T + 30 * DAY)
    User.objects.filter(pk=carol.pk).update(email="")
    User.objects.filter(pk=dave.pk).update(is_active=False)
    clock.move_to(T + 25 * DAY)
    assert (expiry_warnings.send_due(), warned()) == (0, [])


def test_warning_is_tried_again_when_the_mail_did_not_go(
    carol: User, dave: User, clock: Traveller, mail_errors: dict[str, Exception]
) -> None:
    give(carol, 5, until=T + 29 * DAY)
    give(dave, 5, until=T + 30 * DAY)
    clock.move_to(T + 25 * DAY)
    mail_errors[carol.email] = ValueError("an e-mail that cannot be written")
    assert expiry_warnings.send_due() == 1
    mail_errors.clear()
    assert expiry_warnings.send_due() == 1
    assert [to for to, _ in warned()] == [["dave@example.com"], ["carol@example.com"]]


@pytest.mark.parametrize(("days", "count"), [(0, 0), (3, 0), (10, 1)])
def test_warning_comes_as_early_as_it_is_set(
    carol: User, clock: Traveller, settings: LazySettings, days: int, count: int
) -> None:
    settings.EXPIRY_WARNING = days * DAY
    give(carol, 5, until=T + 30 * DAY)
    clock.move_to(T + 25 * DAY)
    assert expiry_warnings.send_due() == count


def test_a_second_warning_on_the_last_day(carol: User, clock: Traveller) -> None:
    give(carol, 30, until=T + 30 * DAY)
    clock.move_to(T + 25 * DAY)
    assert [expiry_warnings.send_due(), expiry_warnings.send_due()] == [1, 0]
    clock.move_to(T + 29 * DAY - timedelta(seconds=1))
    assert expiry_warnings.send_due() == 0
    clock.shift(1)
    assert [expiry_warnings.send_due(), expiry_warnings.send_due()] == [1, 0]
    assert len(warned()) == 2


def test_whoever_hears_of_the_last_day_first_hears_once(carol: User, clock: Traveller) -> None:
    give(carol, 30, until=T + 30 * DAY)
    clock.move_to(T + 29 * DAY)
    assert [expiry_warnings.send_due(), expiry_warnings.send_due()] == [1, 0]


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_write_once() -> None:
    erin = newcomer("erin")
    give(erin, 5)
    now = Lot.objects.get().created_at
    Lot.objects.update(created_at=now - 30 * DAY, expires_at=now + DAY)
    assert sorted(outcomes([expiry_warnings.send_due] * 10)) == [*[0] * 9, 1]
    assert len(warned()) == 1
