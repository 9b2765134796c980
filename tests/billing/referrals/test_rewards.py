"""Both users earn credits, once, when an invited friend's first payment is granted."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings

from accounts.models import User
from accounts.people import deletion, signup
from billing.ledger import credits, invariants
from billing.models import Entry, Payment, Referral, ReferralProgram
from billing.payments import state
from billing.referrals import invitations, rewards
from billing.reports import audit_runs
from tests.billing.conftest import entries_of, grant_credits
from tests.billing.payment_events import (
    charge_refunded_event,
    checkout_completed,
    create_paid_payment,
    create_payment,
    deliver,
    dispute_event,
    refund_event,
    reload,
)
from tests.concurrency import run_concurrently
from tests.conftest import create_user


@pytest.fixture(autouse=True)
def _no_welcome_credits(settings: LazySettings) -> None:
    settings.WELCOME_CREDITS = 0


def code_of(user: User) -> str:
    return invitations.invitations_of(user).code


def invited_by(inviter: User, name: str = "friend") -> User:
    """Open the account of a friend who came by the inviter's link."""
    return create_user(name, referral=code_of(inviter))


def earned(user: User) -> list[int]:
    """What the user earned and lost by referrals, oldest first."""
    rows = credits.history(user).filter(reference_type=rewards.REFERENCE).reverse()
    return list(rows.values_list("amount", flat=True))


def test_both_earn_credits_when_the_friends_first_payment_is_paid(alice: User) -> None:
    friend = invited_by(alice)
    assert (earned(alice), earned(friend)) == ([], [])
    create_paid_payment(friend)
    assert entries_of(alice) == [("earned", 20)]
    assert entries_of(friend) == [("purchased", 100), ("earned", 20)]
    assert [*audit_runs.findings()] == []


def test_earned_credits_expire_like_welcome_credits(alice: User, settings: LazySettings) -> None:
    with time_machine.travel("2026-01-01T00:00:00+00:00", tick=False):
        create_paid_payment(invited_by(alice))
        entry = credits.history(alice).get()
        assert entry.expires_at == entry.created_at + settings.BONUS_LIFETIME


def test_nobody_earns_again_when_the_friend_pays_again_or_events_repeat(alice: User) -> None:
    friend = invited_by(alice)
    payment = create_paid_payment(friend)
    deliver(checkout_completed(payment))
    state.recompute(payment)
    create_paid_payment(friend, "standard")
    assert (earned(alice), earned(friend)) == ([20], [20])


def test_nobody_earns_when_the_payer_was_not_invited(alice: User, bob: User) -> None:
    code_of(alice)
    create_paid_payment(bob)
    assert (earned(alice), earned(bob), Referral.objects.count()) == ([], [], 0)


@pytest.mark.parametrize(
    ("refunded", "kept"), [(990, 0), (495, 10), (100, 18)], ids=["all", "half", "part"]
)
def test_earned_credits_are_taken_back_in_proportion_when_the_first_payment_is_refunded(
    alice: User, refunded: int, kept: int
) -> None:
    friend = invited_by(alice)
    payment = create_paid_payment(friend)
    deliver(refund_event(payment, refunded), charge_refunded_event(payment, refunded))
    assert (sum(earned(alice)), sum(earned(friend))) == (kept, kept)
    assert invitations.invitations_of(alice).credits_earned == kept
    assert [*invariants.problems(), *audit_runs.findings()] == []


def test_inviter_owes_what_was_spent_when_the_first_payment_is_refunded(alice: User) -> None:
    payment = create_paid_payment(invited_by(alice))
    credits.spend(alice, 15, "spend")
    deliver(refund_event(payment, 990))
    assert (credits.available(alice), credits.summary(alice).owed) == (0, 15)


def test_earned_credits_return_when_a_dispute_is_won(alice: User) -> None:
    friend = invited_by(alice)
    payment = create_paid_payment(friend)
    deliver(dispute_event(payment, "needs_response"))
    assert (credits.available(alice), credits.available(friend)) == (0, 0)
    deliver(dispute_event(payment, "won"))
    assert (credits.available(alice), credits.available(friend)) == (20, 120)
    assert [*invariants.problems(), *audit_runs.findings()] == []


def test_refund_of_a_later_payment_takes_no_reward_back(alice: User) -> None:
    friend = invited_by(alice)
    create_paid_payment(friend)
    deliver(refund_event(create_paid_payment(friend), 990))
    assert (earned(alice), earned(friend)) == ([20], [20])


def test_nobody_earns_when_the_payment_was_refunded_before_it_was_known_as_paid(
    alice: User,
) -> None:
    friend = invited_by(alice)
    payment = create_payment(friend, payment_intent="")
    deliver(charge_refunded_event(payment, 990), checkout_completed(payment))
    assert reload(payment).status == Payment.Status.REFUNDED
    assert (earned(alice), earned(friend)) == ([], [])
    assert invariants.problems() == []


def test_inviter_earns_no_more_than_the_limit_within_thirty_days(
    alice: User, settings: LazySettings
) -> None:
    settings.REFERRALS_PER_MONTH = 2
    friends = [invited_by(alice, f"friend{n}") for n in range(4)]
    with time_machine.travel("2026-01-01T00:00:00+00:00", tick=False) as clock:
        for friend in friends[:3]:
            create_paid_payment(friend)
        assert earned(alice) == [20, 20]
        assert [earned(friend) for friend in friends] == [[20], [20], [20], []]
        clock.shift(rewards.MONTH + timedelta(seconds=1))
        create_paid_payment(friends[3])
    assert earned(alice) == [20, 20, 20]


def test_reward_waits_for_the_confirmed_address_when_the_installation_asks_for_it(
    alice: User, settings: LazySettings
) -> None:
    settings.WELCOME_CREDITS_AFTER_CONFIRMATION = True
    friend = invited_by(alice)
    create_paid_payment(friend)
    assert (earned(alice), earned(friend)) == ([], [])
    for _ in range(2):
        signup.mark_as_verified(friend)
    assert (earned(alice), earned(friend)) == ([20], [20])


@pytest.mark.parametrize("how", ["setting", "staff", "billing"])
def test_nobody_earns_afterwards_when_referrals_were_off_at_the_first_payment(
    alice: User, settings: LazySettings, how: str
) -> None:
    friend = invited_by(alice)
    ReferralProgram.objects.update_or_create(pk=1, defaults={"is_active": how != "staff"})
    settings.REFERRAL_CREDITS = 0 if how == "setting" else 20
    settings.BILLING = how != "billing"
    payment = create_payment(friend)
    deliver(checkout_completed(payment))
    settings.REFERRAL_CREDITS, settings.BILLING = 20, True
    ReferralProgram.objects.update(is_active=True)
    state.recompute(payment)
    create_paid_payment(friend)
    assert (earned(alice), earned(friend)) == ([], [])


def test_friend_alone_earns_when_the_inviters_account_is_closed(alice: User) -> None:
    friend = invited_by(alice)
    deletion.request_deletion(alice)
    create_paid_payment(friend)
    assert (earned(alice), earned(friend)) == ([], [20])


def test_audit_names_the_referral_when_its_reward_is_missing(alice: User) -> None:
    create_paid_payment(invited_by(alice))
    referral = Referral.objects.get()
    Referral.objects.update(inviter_credits=21)
    key = rewards.inviter_key(referral.pk)
    assert [(one.problem, one.repair) for one in audit_runs.findings()] == [
        (f"referral {referral.pk} should have posted 21 credits as {key}", "")
    ]


@pytest.mark.django_db(transaction=True)
def test_both_earn_once_when_the_payment_is_settled_from_many_places_at_once(
    transactional_db: None,
) -> None:
    inviter = create_user("inviter")
    friend = invited_by(inviter)
    payment = create_payment(friend, is_paid=True, paid_at="2026-01-01T00:00:00Z")
    run_concurrently([partial(state.recompute, payment)] * 8)
    assert (earned(inviter), earned(friend)) == ([20], [20])
    assert invariants.problems() == []


@pytest.mark.django_db(transaction=True)
def test_limit_holds_when_two_friends_pay_at_the_same_moment(
    transactional_db: None, settings: LazySettings
) -> None:
    settings.REFERRALS_PER_MONTH = 1
    inviter = create_user("inviter")
    paid: dict[str, Any] = {"is_paid": True, "paid_at": "2026-01-01T00:00:00Z"}
    payments = [create_payment(invited_by(inviter, f"friend{n}"), **paid) for n in range(4)]
    run_concurrently([partial(state.recompute, payment) for payment in payments])
    assert earned(inviter) == [20]
    assert Entry.objects.filter(type="earned").count() == 5


def test_reward_pays_a_debt_first(alice: User) -> None:
    grant_credits(alice, 5)
    credits.spend(alice, 5, "spend")
    first = create_paid_payment(alice)
    credits.spend(alice, 100, "all")
    deliver(refund_event(first, 990))
    create_paid_payment(invited_by(alice))
    assert (credits.available(alice), credits.summary(alice).owed) == (0, 80)
