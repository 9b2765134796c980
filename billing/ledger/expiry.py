"""Expiry: post the expiry of credits on all accounts."""

import logging

from django.utils import timezone

from billing.ledger import credits
from billing.models import Account

log = logging.getLogger(__name__)


def expire_due() -> int:
    """Post the expiry of every lot that has expired; return how many credits expired.

    If an account fails, the error is logged, the other accounts are processed, and the next run
    tries that account again.
    """
    expired = 0
    due = Account.objects.filter(next_expiry_at__lte=timezone.now()).select_related("user")
    for account in due.order_by("pk"):
        try:
            expired += credits.expire(account.user)
        except Exception:  # one account that fails must not stop the others
            log.exception("expiring the credits of account %s failed", account.pk)
    return expired
