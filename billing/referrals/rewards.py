"""Rewards of referrals: both users earn credits with the friend's first payment.

    joined ──first payment granted, address confirmed──► settled: both earn, or nobody does
                                                            │  ▲
                                     payment refunded or disputed: clawed back in proportion

`settle` runs in the transaction that grants the credits of a payment, so that there is no payment
without its reward, and no reward twice: the row of the referral is locked, and the ledger's keys
name it. Lock order: the payment, the friend's credits, the referral, the inviter's credits; a user
is invited before inviting others, so that no two settlements wait for each other.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from billing.ledger import clawbacks, credits
from billing.models import Payment, Referral
from billing.referrals import switch

# An inviter earns at most REFERRALS_PER_MONTH times in this time.
MONTH = timedelta(days=30)
REFERENCE = "referral"


def settle(payment: Payment) -> None:
    """Reward the referral of a payment that was granted, once, and claw back what is refunded.

    The caller has locked the payment and its user's credits, in the transaction that this joins.
    """
    rows = Referral.objects.select_for_update(of=("self",)).filter(friend_id=payment.user_id)
    referral = rows.first()
    if referral is None:
        return
    if referral.payment_id is None:
        referral.payment = payment
        referral.save(update_fields=["payment"])
    if referral.payment_id == payment.pk:
        _settle(referral, payment)


def confirm(friend: AbstractBaseUser) -> None:
    """Note that a user has confirmed the address; reward the referral that waited for it."""
    with transaction.atomic():
        credits.lock(friend)
        rows = Referral.objects.select_for_update(of=("self",)).filter(friend_id=friend.pk)
        referral = rows.filter(is_confirmed=False).first()
        if referral is None:
            return
        referral.is_confirmed = True
        referral.save(update_fields=["is_confirmed"])
        if referral.payment is not None:
            _settle(referral, referral.payment)


def clawback_target(earned: int, payment: Payment) -> int:
    """Return how many of the earned credits must be clawed back: the returned share of the money.

    Rounded down, as for the credits that were bought.
    """
    returned = min(payment.amount_minor, payment.refunded_minor + payment.disputed_minor)
    return earned * returned // payment.amount_minor


def friend_key(referral_id: int) -> str:
    """Return the key of the ledger entry that rewards the friend."""
    return f"referral:{referral_id}:friend"


def inviter_key(referral_id: int) -> str:
    """Return the key of the ledger entry that rewards the inviter."""
    return f"referral:{referral_id}:inviter"


def problems_of(payment: Payment) -> Iterator[str]:
    """Yield a sentence for each reward that does not agree with a granted, locked payment."""
    referral = Referral.objects.filter(payment=payment).first()
    if referral is None:
        return
    for key, earned in _rewards(referral):
        entry = credits.find_entry(key)
        if (entry.amount if entry else 0) != earned:
            yield f"referral {referral.pk} should have posted {earned} credits as {key}"
        elif entry and clawbacks.clawed_back(key) != clawback_target(earned, payment):
            yield f"referral {referral.pk} has another number of credits clawed back than it must"


def _rewards(referral: Referral) -> tuple[tuple[str, int], tuple[str, int]]:
    return (
        (friend_key(referral.pk), referral.friend_credits),
        (inviter_key(referral.pk), referral.inviter_credits),
    )


def _settle(referral: Referral, payment: Payment) -> None:
    if referral.settled_at is None and referral.is_confirmed:
        _reward(referral, payment)
    for key, earned in _rewards(referral):
        if earned:
            clawbacks.claw_back_to(key, clawback_target(earned, payment))


def _reward(referral: Referral, payment: Payment) -> None:
    """Decide once what both earn, and grant it."""
    each = switch.credits_each()
    is_returned = clawback_target(1, payment) == 1  # all of the money
    if each and not is_returned:
        referral.friend_credits = each
        # The lock keeps two friends who pay at the same moment from both being the last one.
        credits.lock(referral.inviter)
        referral.inviter_credits = each if _may_earn(referral.inviter) else 0
    referral.settled_at = timezone.now()
    referral.save(update_fields=["friend_credits", "inviter_credits", "settled_at"])
    _grant(referral.friend, referral.friend_credits, friend_key(referral.pk), referral)
    _grant(referral.inviter, referral.inviter_credits, inviter_key(referral.pk), referral)


def _may_earn(inviter: AbstractBaseUser) -> bool:
    since = timezone.now() - MONTH
    rewarded = Referral.objects.filter(
        inviter_id=inviter.pk, inviter_credits__gt=0, settled_at__gt=since
    )
    return inviter.is_active and rewarded.count() < settings.REFERRALS_PER_MONTH


def _grant(user: AbstractBaseUser, amount: int, key: str, referral: Referral) -> None:
    if amount:
        credits.grant(
            user,
            amount,
            credits.Kind.EARNED,
            key,
            expires_at=timezone.now() + settings.BONUS_LIFETIME,
            purpose=credits.Purpose(REFERENCE, str(referral.pk), "Referral"),
        )
