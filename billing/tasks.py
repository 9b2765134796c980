"""Background tasks of billing; celery runs them periodically."""

from celery import shared_task

from billing.ledger import expiry, expiry_warnings
from billing.payments import event_retention, receipts, reconciliation


@shared_task(ignore_result=True, expires=60)
def expire_credits() -> None:
    """Post the expiry of credits."""
    expiry.expire_due()


@shared_task(ignore_result=True, expires=600)
def send_expiry_warnings() -> None:
    """E-mail users whose credits are about to expire."""
    expiry_warnings.send_due()


@shared_task(ignore_result=True, expires=60)
def send_receipts() -> None:
    """E-mail receipts of payments and notices of refunds."""
    receipts.send_due()


@shared_task(ignore_result=True, expires=60)
def reconcile_payments() -> None:
    """Ask Stripe about payments and refunds whose events may have been lost."""
    reconciliation.reconcile()


@shared_task(ignore_result=True, expires=3600)
def delete_old_events() -> None:
    """Delete events of Stripe that are no longer kept."""
    event_retention.delete_old()
