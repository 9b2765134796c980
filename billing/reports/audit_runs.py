"""Proofs: what an audit found and mended, kept for staff and for the public summary."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from billing.ledger import clawbacks, credits, invariants
from billing.models import Account, AuditRun, Entry, Payment
from billing.payments import state


@dataclass(frozen=True)
class Finding:
    """Something that was not as it must be, and how it was mended, if it was."""

    problem: str
    repair: str = ""


@dataclass(frozen=True)
class AuditReport:
    """What one run counted and found."""

    audit_run: AuditRun
    findings: list[Finding]


def record(found: list[Finding], videos: int) -> AuditReport:
    """Keep the result of a run as the newest proof."""
    audit_run = AuditRun.objects.create(
        run_at=timezone.now(),
        accounts=Account.objects.count(),
        entries=Entry.objects.count(),
        videos=videos,
        payments=Payment.objects.count(),
        problems=[one.problem for one in found if not one.repair],
        repaired=[f"{one.problem}: {one.repair}" for one in found if one.repair],
    )
    return AuditReport(audit_run, found)


def findings() -> Iterator[Finding]:
    """Everything broken in the books and the payments."""
    yield from (Finding(problem) for problem in invariants.problems())
    paid = Payment.objects.filter(is_paid=True).order_by("pk").values_list("pk", flat=True)
    for pk in paid.iterator():
        with transaction.atomic():
            found = list(_of_payment(Payment.objects.select_for_update().get(pk=pk)))
        yield from found


def _of_payment(payment: Payment) -> Iterator[Finding]:
    """A paid payment grants once, and loses as many credits as its money pays for no more."""
    key = state.grant_key(payment)
    granted = credits.find_entry(key)
    if payment.review_reason:
        yield Finding(f"payment {payment.pk} needs a person: {payment.review_reason}")
    elif granted is None:
        state.recompute(payment)
        yield Finding(f"payment {payment.pk} was paid and not granted", "granted")
    elif granted.amount != payment.credits:
        yield Finding(f"payment {payment.pk} granted {granted.amount} of {payment.credits}")
    if granted is None:
        return
    due, cancelled = state.credits_lost(payment, payment.refunded_minor), clawbacks.clawed_back(key)
    if cancelled != due:
        state.recompute(payment)
        problem = f"payment {payment.pk} has {cancelled} credits cancelled, not {due}"
        yield Finding(problem, f"now {clawbacks.clawed_back(key)}")
