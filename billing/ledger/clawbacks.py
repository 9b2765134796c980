"""The ledger's other half: credits whose money went back, and credits that staff correct.

Same writer, same rules as billing.ledger.credits, whose account lock and postings it uses.
"""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from billing.ledger import credits
from billing.ledger.credits import Kind, NotEnoughCredits, Purpose
from billing.models import Account, Allocation, Entry, Lot
from config.lib import idempotency
from config.lib.idempotency import RequestKey

_NOTHING = Purpose()


def adjust(
    user: AbstractBaseUser,
    amount: int,
    key: str,
    *,
    expires_at: datetime | None,
    purpose: Purpose = _NOTHING,
    request_key: RequestKey | None = None,
) -> Entry:
    """Staff's own correction: give credits, or with `amount` below zero take unspent ones.

    Raises NotEnoughCredits or KeyConflict, or what idempotency.record raises; then nothing is
    written.
    """
    with transaction.atomic():
        entry = (
            credits.grant(user, amount, Kind.ADJUSTED, key, expires_at=expires_at, purpose=purpose)
            if amount > 0
            else _take_back(user, amount, key, purpose)
        )
        idempotency.record(request_key, entry)
        return entry


def _take_back(user: AbstractBaseUser, amount: int, key: str, purpose: Purpose) -> Entry:
    with transaction.atomic():
        account = credits._lock(user)
        if entry := credits._replay(key, account, Entry.Type.ADJUSTED, amount):
            return entry
        now = timezone.now()
        credits._settle(account, now)
        if account.balance < -amount:
            raise NotEnoughCredits(-amount, account.balance)
        account.total_earned += amount
        taken = credits._take(account, -amount, now)
        entry = credits._post(account, Entry.Type.ADJUSTED, key, taken, now, purpose)
        credits._save(account)
        return entry


def outlook_of_adjust(user: AbstractBaseUser, amount: int) -> int:
    """What could be spent after `adjust`; of credits given, what is owed is taken first.

    Raises NotEnoughCredits.
    """
    now = credits.summary(user)
    if now.available + amount < 0:
        raise NotEnoughCredits(-amount, now.available)
    return now.available + amount - min(now.owed, max(amount, 0))


def reverse_to(grant_key: str, target: int) -> None:
    """Cancel credits of a granted lot until `target` of them are cancelled, or give some again.

    Taken from the lot itself and from those in which its credits live on; then what of them expired
    unspent counts; then other lots pay, first to expire first; the rest is owed and taken from the
    next credits. Safe to repeat.
    Raises Entry.DoesNotExist.
    """
    with transaction.atomic():
        account, lot = _granted(grant_key)
        now = timezone.now()
        credits._settle(account, now)
        lot.refresh_from_db()
        change = target - lot.clawed_back
        if change > 0:
            _reverse(account, lot, change, now, grant_key)
        elif change < 0:
            _restore(account, lot, -change, now, grant_key)
            credits._pay_debt(account, now)
        credits._save(account)


def cancelled(grant_key: str) -> int:
    """How many credits of a granted lot are cancelled now. Raises Entry.DoesNotExist."""
    return _granted_lot(Entry.objects.get(key=grant_key)).clawed_back


def outlook(grant_key: str, target: int) -> tuple[int, int]:
    """(credits that cancelling up to `target` would take, credits that would be owed after it)."""
    with transaction.atomic():
        account, lot = _granted(grant_key)
        credits._settle(account, timezone.now())
        lot.refresh_from_db()
        own, _dead, others, owed = _plan(account, lot, max(target - lot.clawed_back, 0))
        transaction.set_rollback(True)  # only a look
    return own + others, owed


def _granted(grant_key: str) -> tuple[Account, Lot]:
    granted = Entry.objects.select_related("account__user").get(key=grant_key)
    account = credits._lock(granted.account.user)
    return account, _granted_lot(granted)


def _granted_lot(granted: Entry) -> Lot:
    return Lot.objects.get(allocations__entry=granted)


def _plan(account: Account, lot: Lot, change: int) -> tuple[int, int, int, int]:
    """How `change` credits are cancelled: (from the lot, dead already, from other lots, owed)."""
    own = min(_family(lot).aggregate(s=Sum("remaining"))["s"] or 0, change)
    expired = Allocation.objects.filter(
        lot__in=_family(lot), entry__type=Entry.Type.EXPIRED
    ).aggregate(s=Sum("amount"))
    dead = min(-(expired["s"] or 0) - lot.clawed_back_expired, change - own)
    others = min(account.balance - own, change - own - dead)
    return own, dead, others, change - own - dead - others


def _family(lot: Lot) -> QuerySet[Lot]:
    """A lot and those in which credits of it live on."""
    return Lot.objects.filter(Q(pk=lot.pk) | Q(parent=lot))


def _take_own(lot: Lot, amount: int) -> list[tuple[Lot, int]]:
    taken = []
    for each in _family(lot).filter(remaining__gt=0).order_by("expires_at", "id"):
        part = min(each.remaining, amount)
        if part:
            credits._move(each, -part)
            taken.append((each, -part))
            amount -= part
    return taken


def _reverse(account: Account, lot: Lot, change: int, now: datetime, grant_key: str) -> None:
    own, dead, others, owed = _plan(account, lot, change)
    lot.clawed_back += change
    lot.clawed_back_expired += dead
    lot.clawed_back_owed += owed
    lot.save(update_fields=["clawed_back", "clawed_back_expired", "clawed_back_owed"])
    parts = _take_own(lot, own)
    if others:
        parts += credits._take(account, others, now)
    account.debt += owed
    account.total_clawed_back += own + others
    if parts:
        key = f"{grant_key}:rev:{account.last_sequence + 1}"
        credits._post(account, Entry.Type.CLAWED_BACK, key, parts, now, _of_grant(grant_key))
    credits._refresh_next_expiry(account)


def _restore(account: Account, lot: Lot, give: int, now: datetime, grant_key: str) -> None:
    """The money stays after all: what is owed falls first, then credits live again."""
    owed = min(give, account.debt, lot.clawed_back_owed)
    living = min(give - owed, lot.clawed_back - lot.clawed_back_expired - owed)
    settled = max(living - (lot.clawed_back - lot.clawed_back_expired - lot.clawed_back_owed), 0)
    lot.clawed_back -= give
    lot.clawed_back_owed -= owed + settled
    lot.clawed_back_expired -= give - owed - living
    lot.save()
    account.debt -= owed
    if not living:
        return
    dead = lot.expires_at is not None and lot.expires_at <= now
    again = Lot.objects.create(
        account=account,
        kind=lot.kind,
        amount=living,
        remaining=living,
        expires_at=now + settings.GRACE_LIFETIME if dead else lot.expires_at,
        parent=lot,
        created_at=now,
    )
    account.total_clawed_back -= living
    key = f"{grant_key}:rev:{account.last_sequence + 1}"
    credits._post(
        account, Entry.Type.CLAWED_BACK, key, [(again, living)], now, _of_grant(grant_key)
    )


def _of_grant(grant_key: str) -> Purpose:
    granted = Entry.objects.get(key=grant_key)
    return Purpose(granted.reference_type, granted.reference_id, "Payment refunded")
