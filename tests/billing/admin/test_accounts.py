"""Staff adjust the credits of a user."""

import pytest
from django.test import Client

from accounts.models import User
from billing.ledger import credits
from billing.models import Account
from tests.billing.admin import adjustment_form, audit_log
from tests.billing.conftest import entries_of


@pytest.mark.parametrize(("amount", "after"), [(50, 150), (-20, 80), (-100, 0)])
def test_adjustment_page_previews_the_balance_when_an_amount_is_entered(
    staff_client: Client, alice: User, amount: int, after: int
) -> None:
    shown = adjustment_form.submit(staff_client, alice, amount, confirm_later="1").context
    assert (shown["available"], shown["changes"]) == (
        100,
        [("Credits of alice", "100", str(after))],
    )
    assert (entries_of(alice), audit_log.log_messages()) == ([("bonus", 100)], [])


def test_adjustment_page_subtracts_the_debt_when_the_user_owes_credits(
    staff_client: Client, carol: User
) -> None:
    Account.objects.create(user=carol, debt=30)
    shown = [
        adjustment_form.submit(staff_client, carol, amount, confirm_later="1").context["changes"]
        for amount in (50, 20)
    ]
    assert shown == [[("Credits of carol", "0", "20")], [("Credits of carol", "0", "0")]]


def test_adjustment_gives_and_takes_credits_when_confirmed(
    staff_client: Client, alice: User
) -> None:
    for amount in (50, -20):
        assert (
            adjustment_form.submit(staff_client, alice, amount, token=50 + amount).status_code
            == 302
        )
    assert entries_of(alice) == [("bonus", 100), ("adjusted", 50), ("adjusted", -20)]
    assert audit_log.log_messages() == ["+50 credits: Sorry", "-20 credits: Sorry"]


def test_adjustment_gives_credits_when_the_user_has_no_account(
    staff_client: Client, carol: User
) -> None:
    assert Account.objects.filter(user=carol).count() == 0
    assert adjustment_form.submit(staff_client, carol, 50).status_code == 302
    assert (credits.available(carol), audit_log.log_messages()) == (
        50,
        ["+50 credits: Sorry"],
    )


def test_adjustment_gives_credits_once_when_confirmed_twice(
    staff_client: Client, alice: User
) -> None:
    for _ in range(2):
        adjustment_form.submit(staff_client, alice, 50)
    assert adjustment_form.submit(staff_client, alice, 60).status_code == 200
    assert (credits.available(alice), audit_log.log_messages()) == (
        150,
        ["+50 credits: Sorry"],
    )


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        (0, "x"), (-101, "x"), (10, ""), (10, "  "), (1_000_001, "x"), (2**63 - 1, "x"),
        (10**23, "x"), ("１２", "x"), ("1e3", "x"), ("+5", "x"), (" 5", "x"), ("5.0", "x"),
    ],
)  # fmt: skip
def test_adjustment_is_refused_when_the_form_is_invalid(
    staff_client: Client, alice: User, amount: int | str, reason: str
) -> None:
    assert adjustment_form.submit(staff_client, alice, amount, reason).status_code == 200
    assert (entries_of(alice), audit_log.log_messages()) == ([("bonus", 100)], [])
