"""Credits: the only writer of Account, Lot, Entry and Allocation.

Every operation locks the account, looks its key up, settles what has expired, posts one entry and
updates the cached totals, in one transaction (the caller's, where there is one). A key names the
event an entry stands for: a repeat returns the first entry and writes nothing.

    grant  ──► lot(remaining) ──spend──► entry(-) + allocations (first to expire first)
                  ▲        │                │
                  └refund──┼────────────────┘   back to the same lots, last taken first
                           └─expire──► entry(-)

A refund of credits whose lot died meanwhile goes to a grace lot when we failed, once; after a
user's own cancel they return to the dead lot and expire there.
PostgreSQL serialises by SELECT ... FOR UPDATE on the account, SQLite by BEGIN IMMEDIATE.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import F, FilteredRelation, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.models import Account, Allocation, Entry, Lot


class NotEnoughCredits(Exception):
    """The balance is below the price; nothing was written."""

    def __init__(self, needed: int, available: int) -> None:
        self.needed, self.available = needed, available
        text = _("Insufficient credits. You need %(n)s credits but only have %(left)s available.")
        super().__init__(text % {"n": needed, "left": available})


class KeyConflict(Exception):
    """The key already names another event (user, type, amount or spend); nothing was written."""


class UnknownType(Exception):
    """No entry has a type of this name."""


class OverRefund(Exception):
    """More would come back than was spent; nothing was written."""


@dataclass(frozen=True)
class Purpose:
    """What an entry is for, as the history shows it."""

    type: str = ""
    id: str = ""
    description: str = ""


@dataclass(frozen=True)
class Summary:
    """An account's credits: available == earned - spent - expired - reversed."""

    available: int
    owed: int
    total_earned: int
    total_spent: int
    total_expired: int
    total_clawed_back: int
    next_expiry_at: datetime | None


Kind = Lot.Kind
OF_VIDEO = Entry.OF_VIDEO
_NOTHING = Purpose()


def grant(
    user: AbstractBaseUser,
    amount: int,
    kind: Kind,
    key: str,
    *,
    expires_at: datetime | None,
    purpose: Purpose = _NOTHING,
) -> Entry:
    """Add a lot of `amount` (> 0) credits; an open debt is taken from it at once.

    Raises KeyConflict; then nothing is written.
    """
    with transaction.atomic():
        account = _lock(user)
        if entry := _replay(key, account, Entry.Type(kind.value), amount):
            return entry
        now = timezone.now()
        _settle(account, now)
        lot = Lot.objects.create(
            account=account,
            kind=kind,
            amount=amount,
            remaining=amount,
            expires_at=expires_at,
            created_at=now,
        )
        account.total_earned += amount
        entry = _post(account, Entry.Type(kind.value), key, [(lot, amount)], now, purpose)
        _settle(account, now)
        _pay_debt(account, now)
        _save(account)
        return entry


def spend(user: AbstractBaseUser, amount: int, key: str, purpose: Purpose = _NOTHING) -> Entry:
    """Take `amount` (> 0) credits, first to expire first.

    Raises NotEnoughCredits or KeyConflict; then nothing is written. Source: C45 (FIFO).
    """
    with transaction.atomic():
        account = _lock(user)
        if entry := _replay(key, account, Entry.Type.SPENT, -amount):
            return entry
        now = timezone.now()
        _settle(account, now)
        if account.balance < amount:
            raise NotEnoughCredits(amount, account.balance)
        taken = _take(account, amount, now)
        account.total_spent += amount
        entry = _post(account, Entry.Type.SPENT, key, taken, now, purpose)
        _save(account)
        return entry


def refund(
    spend_key: str, key: str, *, grace: bool, amount: int | None = None, description: str = ""
) -> Entry:
    """Give a spend's credits back (all that is left of it, or `amount`) to the lots they came from.

    With `grace` the part whose lot has expired lives GRACE_LIFETIME longer, once per credit;
    without it that part expires at once.

    Raises Entry.DoesNotExist, OverRefund or KeyConflict; then nothing is written.
    """
    with transaction.atomic():
        spent = Entry.objects.select_related("account__user").get(
            key=spend_key, type=Entry.Type.SPENT
        )
        account = _lock(spent.account.user)
        if entry := _replay(key, account, Entry.Type.REFUNDED, amount, spent):
            return entry
        now = timezone.now()
        _settle(account, now)
        left = _left_of(spent)
        unreturned = sum(part for _, part in left)
        wanted = unreturned if amount is None else amount
        if not 0 < wanted <= unreturned:
            raise OverRefund(f"{wanted} of {unreturned} credits")
        parts = [_give_back(lot, part, now, grace) for lot, part in _first(left, wanted)]
        account.total_spent -= wanted
        purpose = Purpose(spent.reference_type, spent.reference_id, description)
        entry = _post(account, Entry.Type.REFUNDED, key, parts, now, purpose, refund_of=spent)
        _settle(account, now)
        _pay_debt(account, now)
        _save(account)
        return entry


def expire(user: AbstractBaseUser) -> int:
    """Book what has expired; returns how many credits that was."""
    with transaction.atomic():
        account = _lock(user)
        gone = _settle(account, timezone.now())
        if gone:
            _save(account)
        return gone


def available(user: AbstractBaseUser) -> int:
    """The credits that can be spent now, without booking what has expired meanwhile."""
    return _open_lots(user.pk, timezone.now()).aggregate(sum=Sum("remaining"))["sum"] or 0


def summary(user: AbstractBaseUser) -> Summary:
    """Totals as they stand once everything that has expired by now is booked.

    One statement reads them, a row for each open lot, so that nobody's write falls in between.
    """
    living = Q(lots__expires_at=None) | Q(lots__expires_at__gt=timezone.now())
    open_lots = FilteredRelation("lots", condition=living & Q(lots__remaining__gt=0))
    rows = list(
        Account.objects.filter(user_id=user.pk).annotate(
            open=open_lots, left=F("open__remaining"), until=F("open__expires_at")
        )
    )
    if not rows:
        return Summary(0, 0, 0, 0, 0, 0, None)
    account = rows[0]
    live = sum(row.left or 0 for row in rows)
    return Summary(
        available=live,
        owed=account.debt,
        total_earned=account.total_earned,
        total_spent=account.total_spent,
        total_expired=account.total_expired + account.balance - live,
        total_clawed_back=account.total_clawed_back,
        next_expiry_at=min((row.until for row in rows if row.until), default=None),
    )


def lots(user: AbstractBaseUser) -> QuerySet[Lot]:
    """What is left, in the order it will be spent."""
    return _open_lots(user.pk, timezone.now()).order_by(*_SPENDING_ORDER)


def history(user: AbstractBaseUser, *types: str) -> QuerySet[Entry]:
    """The account's entries of these types, or all of them, newest first. Raises UnknownType."""
    if not set(types) <= set(Entry.Type.values):
        raise UnknownType("Invalid parameters")
    entries = Entry.objects.filter(account_id=user.pk).order_by("-sequence")
    return entries.filter(type__in=types) if types else entries


def known(keys: list[str]) -> set[str]:
    """Those of the keys whose events have happened."""
    return set(Entry.objects.filter(key__in=keys).values_list("key", flat=True))


def entry_for(key: str) -> Entry | None:
    """The entry a key names, if its event has happened."""
    return Entry.objects.filter(key=key).first()


# ---- inside: the account is locked from here on ----

_SPENDING_ORDER = (F("expires_at").asc(nulls_last=True), "id")


def _open_lots(user_pk: Any, now: datetime) -> QuerySet[Lot]:
    living = Q(expires_at=None) | Q(expires_at__gt=now)
    return Lot.objects.filter(living, account_id=user_pk, remaining__gt=0)


def _lock(user: AbstractBaseUser) -> Account:
    rows = Account.objects.select_for_update()
    account = rows.filter(user_id=user.pk).first()
    if account is None:
        Account.objects.bulk_create([Account(user_id=user.pk)], ignore_conflicts=True)
        account = rows.get(user_id=user.pk)
    return account


def _replay(
    key: str,
    account: Account,
    type: Entry.Type,
    amount: int | None,
    refund_of: Entry | None = None,
) -> Entry | None:
    entry = Entry.objects.filter(key=key).first()
    if entry is None:
        return None
    event = (account.pk, type, refund_of.pk if refund_of else None)
    same = (entry.account_id, entry.type, entry.refund_of_id) == event
    if not same or (amount is not None and entry.amount != amount):
        raise KeyConflict(key)
    return entry


def _settle(account: Account, now: datetime) -> int:
    """Book every lot that is past its expiry; at `expires_at` exactly it is dead."""
    if account.next_expiry_at is None or account.next_expiry_at > now:
        return 0
    gone = 0
    dead = Lot.objects.filter(account=account, remaining__gt=0, expires_at__lte=now)
    for lot in dead.order_by("expires_at", "id"):
        part = lot.remaining
        _move(lot, -part)
        account.total_expired += part
        key = f"expire:{lot.pk}:{account.last_sequence + 1}"
        _post(account, Entry.Type.EXPIRED, key, [(lot, -part)], now, _NOTHING)
        gone += part
    _refresh_next_expiry(account)
    return gone


def _take(account: Account, amount: int, now: datetime) -> list[tuple[Lot, int]]:
    taken = []
    for lot in _open_lots(account.pk, now).order_by(*_SPENDING_ORDER):
        part = min(lot.remaining, amount)
        _move(lot, -part)
        taken.append((lot, -part))
        amount -= part
        if not amount:
            break
    if taken[0][0].remaining == 0:
        _refresh_next_expiry(account)
    return taken


def _left_of(spent: Entry) -> list[tuple[Lot, int]]:
    """What of a spend has not come back, by lot, last taken first."""
    taken = {a.lot_id: -a.amount for a in spent.allocations.all()}
    returned = Allocation.objects.filter(entry__refund_of=spent).select_related("lot")
    for allocation in returned:
        lot = allocation.lot
        origin = lot.pk if lot.pk in taken else lot.parent_id
        if origin is not None:
            taken[origin] -= allocation.amount
    found = Lot.objects.in_bulk(taken)
    order = spent.allocations.order_by("-id").values_list("lot_id", flat=True)
    return [(found[pk], taken[pk]) for pk in order if taken[pk] > 0]


def _first(parts: Iterable[tuple[Lot, int]], amount: int) -> Iterable[tuple[Lot, int]]:
    for lot, part in parts:
        if amount > 0:
            yield lot, min(part, amount)
            amount -= part


def _give_back(lot: Lot, part: int, now: datetime, grace: bool) -> tuple[Lot, int]:
    dead = lot.expires_at is not None and lot.expires_at <= now
    if dead and grace and lot.parent_id is None:
        lot = Lot.objects.create(
            account_id=lot.account_id,
            kind=lot.kind,
            amount=part,
            remaining=part,
            expires_at=now + settings.GRACE_LIFETIME,
            parent=lot,
            created_at=now,
        )
    else:
        _move(lot, part)
    return lot, part


def _pay_debt(account: Account, now: datetime) -> None:
    due = min(account.debt, account.balance)
    if not due:
        return
    account.debt -= due
    account.total_clawed_back += due
    taken = _take(account, due, now)
    key = f"debt:{account.pk}:{account.last_sequence + 1}"
    _post(account, Entry.Type.CLAWED_BACK, key, taken, now, Purpose("debt", "", "Credits owed"))


def _move(lot: Lot, part: int) -> None:
    lot.remaining += part
    lot.save(update_fields=["remaining"])


def _post(
    account: Account,
    type: Entry.Type,
    key: str,
    parts: list[tuple[Lot, int]],
    now: datetime,
    purpose: Purpose,
    refund_of: Entry | None = None,
) -> Entry:
    amount = sum(part for _, part in parts)
    expiries = [lot.expires_at for lot, _ in parts if lot.expires_at]
    entry = Entry.objects.create(
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
    Allocation.objects.bulk_create(
        Allocation(entry=entry, lot=lot, amount=part) for lot, part in parts
    )
    account.last_sequence += 1
    account.balance += amount
    if amount > 0 and expiries:
        account.next_expiry_at = min(filter(None, [account.next_expiry_at, *expiries]))
    return entry


def _refresh_next_expiry(account: Account) -> None:
    rows = Lot.objects.filter(account=account, remaining__gt=0, expires_at__isnull=False)
    account.next_expiry_at = (
        rows.order_by("expires_at").values_list("expires_at", flat=True).first()
    )


def _save(account: Account) -> None:
    account.save()
