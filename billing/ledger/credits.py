"""Credits of users: grant, spend, refund and expire them; read balances and the history.

Only this module, billing.ledger.clawbacks and billing.ledger.adjustments write Account, Lot, Entry
and Allocation. Every operation locks the account, looks for an entry with its key, posts what has
expired, posts one entry and updates the totals, in one transaction (the caller's, if there is one).
The key names the event that the entry records: a repeat returns that entry and writes nothing.

    grant  ──► lot(remaining) ──spend──► entry(-) + allocations (first to expire first)
                  ▲        │                │
                  └refund──┼────────────────┘   back to the same lots, last taken first
                           └─expire──► entry(-)

If a lot has expired before its credits are refunded, they go to a new lot, a grace lot, when the
service failed (once per credit); when the user cancelled, they return to the lot and expire.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import F, FilteredRelation, Q, QuerySet, Sum
from django.utils import timezone

from billing.ledger import postings, rows, stored_spends
from billing.ledger.postings import InvalidCredits, KeyConflict, NotEnoughCredits, Purpose
from billing.models import Account, Entry, Lot

__all__ = [
    "VIDEO_REFERENCE",
    "InvalidCredits",
    "KeyConflict",
    "Kind",
    "NotEnoughCredits",
    "OverRefund",
    "Purpose",
    "Summary",
    "UnknownType",
    "available",
    "existing_keys",
    "expire",
    "find_entry",
    "grant",
    "history",
    "lock",
    "number_of_entries",
    "open_lots",
    "preview_spend",
    "refund",
    "spend",
    "summary",
]


class UnknownType(Exception):
    """The history was asked for a type that does not exist."""


class OverRefund(Exception):
    """The refund is larger than what is left of the spend; nothing was written."""


@dataclass(frozen=True)
class Summary:
    """The credits of a user: available == earned - spent - expired - clawed back."""

    available: int
    owed: int
    total_earned: int
    total_spent: int
    total_expired: int
    total_clawed_back: int
    next_expiry_at: datetime | None


Kind = Lot.Kind
VIDEO_REFERENCE = Entry.VIDEO_REFERENCE
# The amount and the lot of each allocation: of a spend, last taken first, and of its refunds.
_PARTS = (
    f"SELECT billing_allocation.amount, {rows.lots.columns} FROM billing_allocation "  # noqa: S608 - our names
    "JOIN billing_lot ON billing_lot.id = billing_allocation.lot_id "
)
_OF_SPEND = f"{_PARTS}WHERE billing_allocation.entry_id = %s ORDER BY billing_allocation.id DESC"
_OF_REFUNDS = (
    f"{_PARTS}JOIN billing_entry ON billing_entry.id = billing_allocation.entry_id "
    "WHERE billing_entry.refund_of_id = %s"
)


def lock(user: AbstractBaseUser) -> None:
    """Lock the credits of a user until the caller's transaction ends."""
    postings.lock_account(user.pk)


def grant(
    user: AbstractBaseUser,
    amount: int,
    kind: Kind,
    key: str,
    *,
    expires_at: datetime | None,
    purpose: Purpose = postings.NO_PURPOSE,
) -> Entry:
    """Add a lot of `amount` (1 to MAX_CREDITS) credits to a user; it pays the user's debt first.

    Raises InvalidCredits or KeyConflict; then nothing is written.
    """
    postings.check_credits(amount)
    with transaction.atomic():
        account = postings.lock_account(user.pk)
        if entry := postings.find_repeat(key, account, Entry.Type(kind.value), amount):
            return entry
        now = timezone.now()
        postings.book_expired(account, now)
        lot = Lot(
            account_id=account.pk,
            kind=kind,
            amount=amount,
            remaining=amount,
            expires_at=expires_at,
            created_at=now,
        )
        rows.lots.create(lot)
        account.total_earned += amount
        entry = postings.post_entry(
            account, Entry.Type(kind.value), key, [(lot, amount)], now, purpose
        )
        postings.book_expired(account, now)
        postings.collect_debt(account, now)
        postings.save_account(account)
        return entry


def spend(
    user: AbstractBaseUser, amount: int, key: str, purpose: Purpose = postings.NO_PURPOSE
) -> Entry:
    """Take `amount` (1 to MAX_CREDITS) credits from a user, first to expire first.

    Raises InvalidCredits, NotEnoughCredits or KeyConflict; then nothing is written. Source: C45
    (FIFO).
    """
    postings.check_credits(amount)
    if entry := stored_spends.post(user.pk, amount, key, purpose, timezone.now()):
        return entry
    with transaction.atomic():
        account = postings.lock_account(user.pk)
        if entry := postings.find_repeat(key, account, Entry.Type.SPENT, -amount):
            return entry
        now = timezone.now()
        postings.book_expired(account, now)
        if account.balance < amount:
            raise NotEnoughCredits(amount, account.balance)
        taken = postings.take_credits(account, amount, now)
        account.total_spent += amount
        entry = postings.post_entry(account, Entry.Type.SPENT, key, taken, now, purpose)
        postings.save_account(account)
        return entry


def refund(
    spend_key: str, key: str, *, grace: bool, amount: int | None = None, description: str = ""
) -> Entry:
    """Return credits of a spend to their lots: `amount`, or all that were not returned before.

    With `grace`, credits whose lot has expired go to a new lot that lives for GRACE_LIFETIME, once
    per credit; without it they expire at once.

    Raises InvalidCredits, Entry.DoesNotExist, OverRefund or KeyConflict; then nothing is written.
    """
    if amount is not None:
        postings.check_credits(amount)
    with transaction.atomic():
        spent = _find_spend(spend_key)
        account = postings.lock_account(spent.account_id)
        if entry := postings.find_repeat(key, account, Entry.Type.REFUNDED, amount, spent):
            return entry
        now = timezone.now()
        postings.book_expired(account, now)
        unreturned_parts = _unreturned_parts(spent)
        unreturned = sum(part for _lot, part in unreturned_parts)
        wanted = unreturned if amount is None else amount
        if not 0 < wanted <= unreturned:
            raise OverRefund(f"{wanted} of {unreturned} credits")
        returned = _limit_parts(unreturned_parts, wanted)
        parts = [_return_part(lot, part, now, grace) for lot, part in returned]
        account.total_spent -= wanted
        purpose = Purpose(spent.reference_type, spent.reference_id, description)
        entry = postings.post_entry(
            account, Entry.Type.REFUNDED, key, parts, now, purpose, refund_of=spent
        )
        postings.book_expired(account, now)
        postings.collect_debt(account, now)
        postings.save_account(account)
        return entry


def expire(user: AbstractBaseUser) -> int:
    """Post the expiry of a user's lots that have expired; return how many credits expired."""
    with transaction.atomic():
        return postings.post_expiry(postings.lock_account(user.pk))


def available(user: AbstractBaseUser) -> int:
    """Return how many credits a user can spend now; expired lots do not count."""
    lots = postings.open_lots(user.pk, timezone.now())
    return lots.aggregate(sum=Sum("remaining"))["sum"] or 0


def summary(user: AbstractBaseUser) -> Summary:
    """Return the totals of a user; credits that have expired count as expired, posted or not.

    One statement reads the account and its open lots, so that no write can come between them.
    """
    unexpired = Q(lots__expires_at=None) | Q(lots__expires_at__gt=timezone.now())
    open_lots = FilteredRelation("lots", condition=unexpired & Q(lots__remaining__gt=0))
    rows = list(
        Account.objects.filter(user_id=user.pk).annotate(
            open=open_lots, remaining=F("open__remaining"), expires_at=F("open__expires_at")
        )
    )
    if not rows:
        return Summary(0, 0, 0, 0, 0, 0, None)
    account = rows[0]
    available = sum(row.remaining or 0 for row in rows)
    return Summary(
        available=available,
        owed=account.debt,
        total_earned=account.total_earned,
        total_spent=account.total_spent,
        total_expired=account.total_expired + account.balance - available,
        total_clawed_back=account.total_clawed_back,
        next_expiry_at=min((row.expires_at for row in rows if row.expires_at), default=None),
    )


def open_lots(user: AbstractBaseUser) -> QuerySet[Lot]:
    """Return the lots with credits left, in the order in which they are spent."""
    return postings.open_lots(user.pk, timezone.now()).order_by(*postings.SPENDING_ORDER)


def preview_spend(user: AbstractBaseUser, amount: int) -> list[tuple[int, datetime | None]]:
    """Return what `spend` would take from which lots, as far as they reach: (credits, expiry)."""
    lots = ((lot, lot.remaining) for lot in open_lots(user))
    return [(part, lot.expires_at) for lot, part in _limit_parts(lots, amount)]


def history(user: AbstractBaseUser, *types: str) -> QuerySet[Entry]:
    """Return a user's entries, newest first; with types, only those. Raises UnknownType."""
    if not set(types) <= set(Entry.Type.values):
        raise UnknownType("Invalid parameters")
    entries = Entry.objects.filter(account_id=user.pk).order_by("-sequence")
    return entries.filter(type__in=types) if types else entries


def number_of_entries(user: AbstractBaseUser) -> int:
    """Return how many entries a user has: the number of the last one, because none is missing."""
    account = Account.objects.filter(pk=user.pk).values_list("last_sequence", flat=True)
    return account.first() or 0


def existing_keys(keys: list[str]) -> set[str]:
    """Return those of the keys that entries have."""
    return set(Entry.objects.filter(key__in=keys).values_list("key", flat=True))


def find_entry(key: str) -> Entry | None:
    """Return the entry with this key, or None."""
    return Entry.objects.filter(key=key).first()


def _find_spend(key: str) -> Entry:
    found = rows.entries.select("WHERE key = %s AND type = %s", key, Entry.Type.SPENT)
    if not found:
        raise Entry.DoesNotExist(key)
    return found[0]


def _unreturned_parts(spent: Entry) -> list[tuple[Lot, int]]:
    """Return (lot, credits) for what was not yet refunded of a spend, last taken first."""
    found = {lot.pk: (lot, -amount) for lot, amount in _allocations(_OF_SPEND, spent)}
    for lot, amount in _allocations(_OF_REFUNDS, spent):
        origin = lot.pk if lot.pk in found else lot.parent_id
        if origin is not None:
            unreturned, taken = found[origin]
            found[origin] = unreturned, taken - amount
    return [(lot, taken) for lot, taken in found.values() if taken > 0]


def _allocations(text: str, spent: Entry) -> list[tuple[Lot, int]]:
    with connection.cursor() as cursor:
        cursor.execute(text, [rows.adapt(spent.pk)])
        return [(rows.lots.read(lot), amount) for amount, *lot in cursor.fetchall()]


def _limit_parts(parts: Iterable[tuple[Lot, int]], amount: int) -> Iterable[tuple[Lot, int]]:
    """Yield the first parts that add up to `amount` credits; the last one may be cut."""
    for lot, part in parts:
        if amount > 0:
            yield lot, min(part, amount)
            amount -= part


def _return_part(lot: Lot, part: int, now: datetime, grace: bool) -> tuple[Lot, int]:
    """Put `part` credits back into their lot or a new grace lot; return that lot and `part`."""
    is_expired = lot.expires_at is not None and lot.expires_at <= now
    if is_expired and grace and not lot.is_grace:
        lot = Lot(
            account_id=lot.account_id,
            kind=lot.kind,
            amount=part,
            remaining=part,
            expires_at=now + settings.GRACE_LIFETIME,
            parent=lot,
            is_grace=True,
            created_at=now,
        )
        rows.lots.create(lot)
    else:
        postings.change_remaining(lot, part)
    return lot, part
