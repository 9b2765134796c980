"""Expiry: book the lots whose time is over, on every account that has any."""

import logging

from django.utils import timezone

from billing.ledger import credits
from billing.models import Account

log = logging.getLogger(__name__)


def expire_due() -> int:
    """Book what has expired on every account; return how many credits expired.

    An account that fails is logged and tried again the next time; the others go on.
    """
    expired = 0
    due = Account.objects.filter(next_expiry_at__lte=timezone.now()).select_related("user")
    for account in due.order_by("pk"):
        try:
            expired += credits.expire(account.user)
        except Exception:  # one broken account must not stop the others
            log.exception("expiring the credits of account %s", account.pk)
    return expired
