"""Expiry: post the expiry of credits on all accounts."""

import logging
from typing import Any

from django.db import transaction
from django.utils import timezone

from billing.ledger import postings
from billing.models import Account

log = logging.getLogger(__name__)

# How many accounts one transaction posts; each commit waits for the disk.
BATCH = 100


def expire_due() -> int:
    """Post the expiry of every lot that has expired; return how many credits expired.

    If an account fails, the error is logged and the other accounts are processed. The next run
    tries that account again, and those that somebody else was changing.
    """
    due = Account.objects.filter(next_expiry_at__lte=timezone.now()).order_by("pk")
    ids = list(due.values_list("pk", flat=True))
    return sum(_expire(ids[n : n + BATCH]) for n in range(0, len(ids), BATCH))


def _expire(ids: list[Any]) -> int:
    """Post the expiry of these accounts in one transaction; if it fails, of each by itself."""
    try:
        with transaction.atomic():
            accounts = postings.lock_free_accounts(ids)
            return sum(postings.post_expiry(account) for account in accounts)
    except Exception:  # one account that fails must not stop the others
        if len(ids) > 1:
            return sum(_expire([pk]) for pk in ids)
        log.exception("expiring the credits of account %s failed", ids[0])
        return 0
