"""Adjustments: staff give credits to a user or take credits from a user."""

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from billing.ledger import credits, postings
from billing.ledger.postings import NO_PURPOSE, NotEnoughCredits, Purpose
from billing.models import Entry
from config.lib import idempotency
from config.lib.idempotency import RequestKey


def adjust(
    user: AbstractBaseUser,
    amount: int,
    key: str,
    *,
    expires_at: datetime | None,
    purpose: Purpose = NO_PURPOSE,
    request_key: RequestKey | None = None,
) -> Entry:
    """Give `amount` credits to a user, or take unspent credits if `amount` is negative.

    Raises InvalidCredits, NotEnoughCredits, KeyConflict, or the errors of idempotency.record; then
    nothing is written.
    """
    postings.check_credits(-amount if type(amount) is int and amount < 0 else amount)
    with transaction.atomic():
        kind = credits.Kind.ADJUSTED
        entry = (
            credits.grant(user, amount, kind, key, expires_at=expires_at, purpose=purpose)
            if amount > 0
            else _take(user, amount, key, purpose)
        )
        idempotency.record(request_key, entry)
        return entry


def preview(user: AbstractBaseUser, amount: int) -> int:
    """Return how many credits a user could spend after `adjust`. Raises NotEnoughCredits.

    Given credits pay the user's debt first.
    """
    summary = credits.summary(user)
    if summary.available + amount < 0:
        raise NotEnoughCredits(-amount, summary.available)
    return summary.available + amount - min(summary.owed, max(amount, 0))


def _take(user: AbstractBaseUser, amount: int, key: str, purpose: Purpose) -> Entry:
    with transaction.atomic():
        account = postings.lock_account(user.pk)
        if entry := postings.find_repeat(key, account, Entry.Type.ADJUSTED, amount):
            return entry
        now = timezone.now()
        postings.book_expired(account, now)
        if account.balance < -amount:
            raise NotEnoughCredits(-amount, account.balance)
        account.total_earned += amount
        parts = postings.take_credits(account, -amount, now)
        entry = postings.post_entry(account, Entry.Type.ADJUSTED, key, parts, now, purpose)
        postings.save_account(account)
        return entry
