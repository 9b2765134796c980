"""Audit runs: check credits against payments, repair what can be repaired, and keep the result."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from billing.ledger import clawbacks, credits, invariants
from billing.models import Account, AuditRun, Entry, Payment
from billing.payments import state
from billing.referrals import rewards


@dataclass(frozen=True)
class Finding:
    """A broken invariant, and how it was repaired, if it was."""

    problem: str
    repair: str = ""


@dataclass(frozen=True)
class AuditReport:
    """An audit run with its findings."""

    audit_run: AuditRun
    findings: list[Finding]


def record(found: list[Finding], videos: int) -> AuditReport:
    """Store an audit run with what was found and the number of videos that were checked."""
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
    """Check the ledger and the paid payments, and repair payments; yield what is broken."""
    yield from (Finding(problem) for problem in invariants.problems())
    paid = Payment.objects.filter(is_paid=True).order_by("pk").values_list("pk", flat=True)
    for pk in paid.iterator():
        with transaction.atomic():
            found = list(_check_payment(Payment.objects.select_for_update().get(pk=pk)))
        yield from found


def _check_payment(payment: Payment) -> Iterator[Finding]:
    """Check that a paid payment granted its credits once, and that the right number is clawed back.

    The payment is locked.
    """
    key = state.grant_key(payment)
    granted = credits.find_entry(key)
    if payment.review_reason:
        yield Finding(f"payment {payment.pk} is under review: {payment.review_reason}")
    elif granted is None:
        state.recompute(payment)
        yield Finding(f"payment {payment.pk} was paid but its credits were not granted", "granted")
    elif granted.amount != payment.credits:
        yield Finding(f"payment {payment.pk} granted {granted.amount} of {payment.credits} credits")
    if granted is None:
        return
    for problem in list(rewards.problems_of(payment)):
        state.recompute(payment)
        repaired = problem not in rewards.problems_of(payment)
        yield Finding(problem, "now it is right" if repaired else "")
    target = state.clawback_target(payment, payment.refunded_minor)
    actual = clawbacks.clawed_back(key)
    if actual != target:
        state.recompute(payment)
        problem = f"payment {payment.pk} has {actual} credits clawed back instead of {target}"
        yield Finding(problem, f"now {clawbacks.clawed_back(key)}")
