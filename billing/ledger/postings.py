"""Postings: write entries and allocations, and change lots and balances, of a locked account.

Only modules of billing.ledger call these functions, inside a transaction and after lock_account.
The lock is the function billing_lock_account on PostgreSQL, and BEGIN IMMEDIATE on SQLite. Others
wait for it, so what happens under it is written in SQL (billing.ledger.rows).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.ledger import rows
from billing.models import Account, Allocation, Entry, Lot
from billing.models.account import MAX_CREDITS
from config.lib.metrics import counting


class NotEnoughCredits(Exception):
    """The user has fewer credits than are needed; nothing was written."""

    def __init__(self, needed: int, available: int) -> None:
        self.needed, self.available = needed, available
        text = _("Insufficient credits. You need %(n)s credits but only have %(left)s available.")
        super().__init__(text % {"n": needed, "left": available})


class InvalidCredits(ValueError):
    """The number of credits is no whole number from 1 to MAX_CREDITS; nothing was written."""


class KeyConflict(Exception):
    """An entry with this key exists and differs in user, type, amount or refunded spend.

    Nothing was written.
    """


@dataclass(frozen=True)
class Purpose:
    """What an entry is about: a reference (such as a video or payment), and a text for the user."""

    type: str = ""
    id: str = ""
    description: str = ""


NO_PURPOSE = Purpose()
# Lots that expire first are spent first; those that never expire come last.
SPENDING_ORDER = (F("expires_at").asc(nulls_last=True), "id")
_SPENDABLE = (
    "WHERE account_id = %s AND remaining > 0 AND (expires_at IS NULL OR expires_at > %s) "
    "ORDER BY expires_at ASC NULLS LAST, id ASC"
)
_EXPIRED = (
    "WHERE account_id = %s AND remaining > 0 AND expires_at <= %s ORDER BY expires_at ASC, id ASC"
)
_FIRST_TO_EXPIRE = (
    "WHERE account_id = %s AND remaining > 0 AND expires_at IS NOT NULL "
    "ORDER BY expires_at ASC LIMIT 1"
)
_LOCK = rows.accounts.select_text.replace("FROM", "FROM billing_lock_account(%s) AS")
_TRY_LOCK = "pg_try_advisory_xact_lock(hashtextextended(user_id::text, 0))"
# What an operation may change of an account.
_ACCOUNT_FIELDS = (
    "balance", "debt", "last_sequence", "total_earned", "total_spent", "total_expired",
    "total_clawed_back", "next_expiry_at",
)  # fmt: skip


def check_credits(amount: object) -> None:
    """Return when `amount` is an int from 1 to MAX_CREDITS, as the database has it too.

    Raises InvalidCredits.
    """
    # bool is a kind of int, and True would be one credit.
    if type(amount) is not int or not 1 <= amount <= MAX_CREDITS:
        raise InvalidCredits(f"{amount!r}: expected a whole number from 1 to {MAX_CREDITS:,}")


def lock_account(user_id: Any) -> Account:
    """Lock the account of a user until the transaction ends; create it if there is none."""
    account = find_account(user_id)
    if account is None:
        Account.objects.bulk_create([Account(user_id=user_id)], ignore_conflicts=True)
        account = find_account(user_id)
        assert account
    return account


def find_account(user_id: Any) -> Account | None:
    """Lock the account of a user until the transaction ends; None if there is none."""
    if connection.vendor == "postgresql":
        found = rows.accounts.query(_LOCK, user_id)
    else:
        found = rows.accounts.select("WHERE user_id = %s", user_id)
    return found[0] if found else None


def lock_free_accounts(user_ids: list[Any]) -> list[Account]:
    """Lock those of these accounts that nobody else has locked, until the transaction ends.

    It never waits, so it can hold many accounts without a deadlock.
    """
    places = ", ".join(["%s"] * len(user_ids))
    where = f"WHERE user_id IN ({places}) ORDER BY user_id"
    if connection.vendor == "postgresql":
        where = f"WHERE user_id IN ({places}) AND {_TRY_LOCK} FOR UPDATE SKIP LOCKED"
    return rows.accounts.select(where, *user_ids)


def save_account(account: Account) -> None:
    """Write what postings have changed of an account in memory."""
    rows.accounts.update(account, *_ACCOUNT_FIELDS)


def find_repeat(
    key: str,
    account: Account,
    type: Entry.Type,
    amount: int | None,
    refund_of: Entry | None = None,
) -> Entry | None:
    """Return the entry with this key, or None if the event was not posted before.

    An `amount` of None matches any amount. Raises KeyConflict if the entry is of another event.
    """
    found = rows.entries.select("WHERE key = %s", key)
    if not found:
        return None
    entry = found[0]
    event = (account.pk, type, refund_of.pk if refund_of else None)
    same = (entry.account_id, entry.type, entry.refund_of_id) == event
    if not same or (amount is not None and entry.amount != amount):
        raise KeyConflict(key)
    return entry


def open_lots(user_pk: Any, now: datetime) -> QuerySet[Lot]:
    """Return the lots of a user that can be spent at `now`."""
    unexpired = Q(expires_at=None) | Q(expires_at__gt=now)
    return Lot.objects.filter(unexpired, account_id=user_pk, remaining__gt=0)


def book_expired(account: Account, now: datetime) -> int:
    """Post an expiry for every lot with expires_at <= now; return how many credits expired."""
    if account.next_expiry_at is None or account.next_expiry_at > now:
        return 0
    expired = 0
    for lot in rows.lots.select(_EXPIRED, account.pk, now):
        part = lot.remaining
        change_remaining(lot, -part)
        account.total_expired += part
        key = f"expire:{lot.pk}:{account.last_sequence + 1}"
        post_entry(account, Entry.Type.EXPIRED, key, [(lot, -part)], now, NO_PURPOSE)
        expired += part
    refresh_next_expiry(account)
    return expired


def post_expiry(account: Account) -> int:
    """Post what has expired and save the account; return how many credits expired."""
    expired = book_expired(account, timezone.now())
    if expired:
        save_account(account)
    return expired


def take_credits(account: Account, amount: int, now: datetime) -> list[tuple[Lot, int]]:
    """Take `amount` credits from the lots in spending order; return (lot, negative part) pairs.

    The caller makes sure that `amount` is positive and at most the balance.
    """
    taken = []
    for lot in rows.lots.select(_SPENDABLE, account.pk, now):
        part = min(lot.remaining, amount)
        change_remaining(lot, -part)
        taken.append((lot, -part))
        amount -= part
        if not amount:
            break
    if taken[0][0].remaining == 0:
        refresh_next_expiry(account)
    return taken


def collect_debt(account: Account, now: datetime) -> None:
    """Pay the user's debt from the balance, as far as the balance reaches."""
    due = min(account.debt, account.balance)
    if not due:
        return
    account.debt -= due
    account.total_clawed_back += due
    taken = take_credits(account, due, now)
    key = f"debt:{account.pk}:{account.last_sequence + 1}"
    post_entry(
        account, Entry.Type.CLAWED_BACK, key, taken, now, Purpose("debt", "", "Credits owed")
    )


def change_remaining(lot: Lot, part: int) -> None:
    """Add `part` credits to a lot; a negative `part` takes them."""
    lot.remaining += part
    rows.lots.update(lot, "remaining")


def post_entry(
    account: Account,
    type: Entry.Type,
    key: str,
    parts: list[tuple[Lot, int]],
    now: datetime,
    purpose: Purpose,
    refund_of: Entry | None = None,
) -> Entry:
    """Write one entry with its allocations, and update the account in memory.

    `parts` are the changed lots with the credits that each gains (+) or loses (-). The caller saves
    the account.
    """
    amount = sum(part for _lot, part in parts)
    expiries = [lot.expires_at for lot, _ in parts if lot.expires_at]
    entry = Entry(
        account=account,
        sequence=account.last_sequence + 1,
        type=type,
        amount=amount,
        balance_before=account.balance,
        balance_after=account.balance + amount,
        key=key,
        reference_type=purpose.type,
        reference_id=purpose.id,
        description=purpose.description[:200],
        refund_of=refund_of,
        expires_at=max(expiries, default=None),
        created_at=now,
    )
    rows.entries.insert(entry)
    rows.allocations.insert(
        *(Allocation(entry_id=entry.pk, lot_id=lot.pk, amount=part) for lot, part in parts)
    )
    counting.credits_moved(type, amount)
    account.last_sequence += 1
    account.balance += amount
    if amount > 0 and expiries:
        account.next_expiry_at = min(filter(None, [account.next_expiry_at, *expiries]))
    return entry


def refresh_next_expiry(account: Account) -> None:
    """Set when the next lot of an account expires."""
    first = rows.lots.select(_FIRST_TO_EXPIRE, account.pk)
    account.next_expiry_at = first[0].expires_at if first else None
