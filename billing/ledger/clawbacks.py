"""Clawbacks: credits are taken back because their payment was refunded or disputed.

The lot of a purchase records how many of its credits are clawed back; `claw_back_to` takes or
returns the difference. Credits that were already spent cannot be taken: they become a debt, which
the next granted credits pay.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from billing.ledger import postings, rows
from billing.ledger.postings import Purpose
from billing.models import Account, Allocation, Entry, Lot


@dataclass(frozen=True)
class _ClawbackPlan:
    """How many credits are clawed back from where; the sum is the size of the clawback."""

    own: int  # unspent credits of the purchase itself
    expired: int  # credits of the purchase that expired unspent: there is nothing to take
    others: int  # unspent credits of other lots
    owed: int  # credits that become a debt


def claw_back_to(grant_key: str, target: int) -> None:
    """Claw back credits of a granted lot until `target` are clawed back, or return those above it.

    Credits are taken from the lot and its grace lots first. Then its credits that expired unspent
    count as taken. Then other lots pay, first to expire first. The rest becomes a debt. Safe to
    repeat. Raises InvalidCredits or Entry.DoesNotExist.
    """
    if target != 0:
        postings.check_credits(target)
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
        postings.save_account(account)


def clawed_back(grant_key: str) -> int:
    """Return how many credits of a granted lot are clawed back. Raises Entry.DoesNotExist."""
    return _granted_lot(Entry.objects.get(key=grant_key)).clawed_back


def sum_clawed_back(grant_keys: list[str]) -> int:
    """Return how many credits of these grants are clawed back in all."""
    lots = Lot.objects.filter(parent=None, allocations__entry__key__in=grant_keys)
    return lots.aggregate(sum=Sum("clawed_back"))["sum"] or 0


def preview(grant_key: str, target: int) -> tuple[int, int]:
    """Return (credits that claw_back_to would take from the balance, credits it would add as debt).

    Raises Entry.DoesNotExist.
    """
    with transaction.atomic():
        account, lot = _lock_granted(grant_key)
        postings.book_expired(account, timezone.now())
        lot.refresh_from_db()
        plan = _plan_clawback(account, lot, max(target - lot.clawed_back, 0))
        transaction.set_rollback(True)  # a preview must not write anything
    return plan.own + plan.others, plan.owed


def _lock_granted(grant_key: str) -> tuple[Account, Lot]:
    granted = Entry.objects.get(key=grant_key)
    account = postings.lock_account(granted.account_id)
    return account, _granted_lot(granted)


def _granted_lot(granted: Entry) -> Lot:
    return Lot.objects.get(allocations__entry=granted)


def _plan_clawback(account: Account, lot: Lot, change: int) -> _ClawbackPlan:
    """Plan from where `change` more credits are clawed back."""
    own = min(_with_descendants(lot).aggregate(s=Sum("remaining"))["s"] or 0, change)
    expiries = Allocation.objects.filter(
        lot__in=_with_descendants(lot), entry__type=Entry.Type.EXPIRED
    ).aggregate(s=Sum("amount"))
    expired = min(-(expiries["s"] or 0) - lot.clawed_back_expired, change - own)
    others = min(account.balance - own, change - own - expired)
    return _ClawbackPlan(own, expired, others, change - own - expired - others)


def _with_descendants(lot: Lot) -> QuerySet[Lot]:
    """Return a lot, the lots its credits returned to, and the grace lots of all these."""
    return Lot.objects.filter(Q(pk=lot.pk) | Q(parent=lot) | Q(parent__parent=lot))


def _take_own(lot: Lot, amount: int) -> list[tuple[Lot, int]]:
    parts = []
    for each in _with_descendants(lot).filter(remaining__gt=0).order_by("expires_at", "id"):
        part = min(each.remaining, amount)
        if part:
            postings.change_remaining(each, -part)
            parts.append((each, -part))
            amount -= part
    return parts


def _take(account: Account, lot: Lot, change: int, now: datetime, grant_key: str) -> None:
    plan = _plan_clawback(account, lot, change)
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


def _return(account: Account, lot: Lot, amount: int, now: datetime, grant_key: str) -> None:
    """Return `amount` clawed-back credits because their money was not refunded after all.

    The debt is cancelled first. Then credits go to a new lot that expires when the lot of the
    purchase does, or after GRACE_LIFETIME if that has expired. Credits that had expired unspent
    stay expired.
    """
    cancelled_debt = min(amount, account.debt, lot.clawed_back_owed)
    restored = min(
        amount - cancelled_debt, lot.clawed_back - lot.clawed_back_expired - cancelled_debt
    )
    taken = lot.clawed_back - lot.clawed_back_expired - lot.clawed_back_owed
    collected_debt = max(restored - taken, 0)  # debt that later credits have paid
    lot.clawed_back -= amount
    lot.clawed_back_owed -= cancelled_debt + collected_debt
    lot.clawed_back_expired -= amount - cancelled_debt - restored
    lot.save()
    account.debt -= cancelled_debt
    if not restored:
        return
    has_expired = lot.expires_at is not None and lot.expires_at <= now
    new = Lot(
        account_id=account.pk,
        kind=lot.kind,
        amount=restored,
        remaining=restored,
        expires_at=now + settings.GRACE_LIFETIME if has_expired else lot.expires_at,
        parent=lot,
        is_grace=has_expired,
        created_at=now,
    )
    rows.lots.create(new)
    account.total_clawed_back -= restored
    _post(account, [(new, restored)], now, grant_key)


def _post(account: Account, parts: list[tuple[Lot, int]], now: datetime, grant_key: str) -> None:
    granted = Entry.objects.get(key=grant_key)
    purpose = Purpose(granted.reference_type, granted.reference_id, "Payment refunded")
    key = f"{grant_key}:rev:{account.last_sequence + 1}"
    postings.post_entry(account, Entry.Type.CLAWED_BACK, key, parts, now, purpose)
