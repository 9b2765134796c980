"""Background work on credits."""

from celery import shared_task

from billing.ledger import expiry
from billing.payments import receipts, reconciliation


@shared_task(ignore_result=True, expires=60)
def expire_credits() -> None:
    """Book what has expired."""
    expiry.sweep()


@shared_task(ignore_result=True, expires=600)
def warn_of_expiry() -> None:
    """Write to those whose credits are about to expire."""
    expiry.warn()


@shared_task(ignore_result=True, expires=60)
def write_slips() -> None:
    """Send receipts, and say when money went back."""
    receipts.write()


@shared_task(ignore_result=True, expires=60)
def reconcile_payments() -> None:
    """Ask Stripe about what it may have told in vain."""
    reconciliation.reconcile()
