"""Background work on credits."""

from celery import shared_task

from billing.ledger import expiry, expiry_warnings
from billing.payments import receipts, reconciliation


@shared_task(ignore_result=True, expires=60)
def expire_credits() -> None:
    """Book what has expired."""
    expiry.expire_due()


@shared_task(ignore_result=True, expires=600)
def send_expiry_warnings() -> None:
    """Write to those whose credits are about to expire."""
    expiry_warnings.send_due()


@shared_task(ignore_result=True, expires=60)
def send_receipts() -> None:
    """Send receipts, and say when money went back."""
    receipts.send_due()


@shared_task(ignore_result=True, expires=60)
def reconcile_payments() -> None:
    """Ask Stripe about what it may have told in vain."""
    reconciliation.reconcile()
