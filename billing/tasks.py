"""Background work on credits."""

from celery import shared_task

from billing import ledger, reconcile


@shared_task(ignore_result=True, expires=60)
def expire_credits() -> None:
    """Book what has expired."""
    ledger.expire_due()


@shared_task(ignore_result=True, expires=60)
def reconcile_payments() -> None:
    """Ask Stripe about what it may have told in vain."""
    reconcile.reconcile()
