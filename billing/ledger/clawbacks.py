"""Clawbacks: credits that are taken back because the money paid for them went back.

The lot of a purchase keeps how many of its credits are clawed back; `claw_back_to` takes or returns
the difference. Credits that cannot be taken, because they were spent, are owed and taken from the
next credits that are granted.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from billing.ledger import postings
from billing.ledger.postings import Purpose
from billing.models import Account, Allocation, Entry, Lot


@dataclass(frozen=True)
class _Plan:
    """From where credits are clawed back; the numbers add up to how many there are."""

    own: int  # unspent credits of the purchase itself
    expired: int  # credits of the purchase that expired unspent
    others: int  # unspent credits of other lots
    owed: int


def claw_back_to(grant_key: str, target: int) -> None:
    """Claw credits of a granted lot back until `target` are, or return those above it.

    They are taken from the lot itself and from its grace lots; then credits of it that expired
    unspent count; then other lots pay, first to expire first; the rest is owed. Safe to repeat.
    Raises Entry.DoesNotExist.
    """
    with transaction.atomic():
        account, lot = _lock_granted(grant_key)
        now = timezone.now()
        postings.book_expired(account, now)
        lot.refresh_from_db()
        change = target - lot.clawed_back
        if change > 0:
            _take(account, lot, change, now, grant_key)
        elif change < 0:
            _return(account, lot, -change, now, grant_key)
            postings.collect_debt(account, now)
        account.save()


def clawed_back(grant_key: str) -> int:
    """Return how many credits of a granted lot are clawed back. Raises Entry.DoesNotExist."""
    return _granted_lot(Entry.objects.get(key=grant_key)).clawed_back


def preview(grant_key: str, target: int) -> tuple[int, int]:
    """Return (credits that clawing back to `target` would take, credits it would leave owed)."""
    with transaction.atomic():
        account, lot = _lock_granted(grant_key)
        postings.book_expired(account, timezone.now())
        lot.refresh_from_db()
        plan = _plan(account, lot, max(target - lot.clawed_back, 0))
        transaction.set_rollback(True)  # a preview writes nothing
    return plan.own + plan.others, plan.owed


def _lock_granted(grant_key: str) -> tuple[Account, Lot]:
    granted = Entry.objects.select_related("account__user").get(key=grant_key)
    account = postings.lock_account(granted.account.user)
    return account, _granted_lot(granted)


def _granted_lot(granted: Entry) -> Lot:
    return Lot.objects.get(allocations__entry=granted)


def _plan(account: Account, lot: Lot, change: int) -> _Plan:
    """Return from where `change` credits are clawed back."""
    own = min(_with_grace_lots(lot).aggregate(s=Sum("remaining"))["s"] or 0, change)
    booked = Allocation.objects.filter(
        lot__in=_with_grace_lots(lot), entry__type=Entry.Type.EXPIRED
    ).aggregate(s=Sum("amount"))
    expired = min(-(booked["s"] or 0) - lot.clawed_back_expired, change - own)
    others = min(account.balance - own, change - own - expired)
    return _Plan(own, expired, others, change - own - expired - others)


def _with_grace_lots(lot: Lot) -> QuerySet[Lot]:
    """Return a lot and the grace lots to which credits of it were returned."""
    return Lot.objects.filter(Q(pk=lot.pk) | Q(parent=lot))


def _take_own(lot: Lot, amount: int) -> list[tuple[Lot, int]]:
    parts = []
    for each in _with_grace_lots(lot).filter(remaining__gt=0).order_by("expires_at", "id"):
        part = min(each.remaining, amount)
        if part:
            postings.change_remaining(each, -part)
            parts.append((each, -part))
            amount -= part
    return parts


def _take(account: Account, lot: Lot, change: int, now: datetime, grant_key: str) -> None:
    plan = _plan(account, lot, change)
    lot.clawed_back += change
    lot.clawed_back_expired += plan.expired
    lot.clawed_back_owed += plan.owed
    lot.save(update_fields=["clawed_back", "clawed_back_expired", "clawed_back_owed"])
    parts = _take_own(lot, plan.own)
    if plan.others:
        parts += postings.take_credits(account, plan.others, now)
    account.debt += plan.owed
    account.total_clawed_back += plan.own + plan.others
    if parts:
        _post(account, parts, now, grant_key)
    postings.refresh_next_expiry(account)


def _return(account: Account, lot: Lot, give: int, now: datetime, grant_key: str) -> None:
    """Return `give` credits because their money was not refunded after all.

    What is owed is cancelled first, then credits go to a new lot that lives as long as the lot of
    the purchase, or GRACE_LIFETIME if that has expired. Credits that had expired stay expired.
    """
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
    has_expired = lot.expires_at is not None and lot.expires_at <= now
    new = Lot.objects.create(
        account=account,
        kind=lot.kind,
        amount=living,
        remaining=living,
        expires_at=now + settings.GRACE_LIFETIME if has_expired else lot.expires_at,
        parent=lot,
        created_at=now,
    )
    account.total_clawed_back -= living
    _post(account, [(new, living)], now, grant_key)


def _post(account: Account, parts: list[tuple[Lot, int]], now: datetime, grant_key: str) -> None:
    granted = Entry.objects.get(key=grant_key)
    purpose = Purpose(granted.reference_type, granted.reference_id, "Payment refunded")
    key = f"{grant_key}:rev:{account.last_sequence + 1}"
    postings.post_entry(account, Entry.Type.CLAWED_BACK, key, parts, now, purpose)
