"""Expiry warnings: e-mails a week before credits expire and again on their last day."""

import logging
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.models import Lot
from config.lib import mail

log = logging.getLogger(__name__)

BATCH = 200
LAST_WARNING = timedelta(days=1)


def send_due() -> int:
    """Queue the warnings that are due; return how many e-mails were queued. None without billing.

    A lot is marked in the transaction of its e-mail, so of two runs one queues it. A warning that
    cannot be composed is left to the next run.
    """
    if not settings.BILLING:
        return 0
    last = min(LAST_WARNING, settings.EXPIRY_WARNING)
    return _queue_warnings("last_warned_at", last) + _queue_warnings(
        "warned_at", settings.EXPIRY_WARNING
    )


def _queue_warnings(field: str, ahead: timedelta) -> int:
    """Queue the warnings of lots that expire within `ahead`; `field` marks those queued."""
    queued = 0
    for lot in _expiring_lots(field, ahead)[:BATCH]:
        try:
            queued += _queue(lot, field)
        except Exception:  # one broken e-mail must not hold up the others
            log.exception("the expiry warning of lot %s failed", lot.pk)
    return queued


@transaction.atomic
def _queue(lot: Lot, field: str) -> int:
    now = timezone.now()
    # A user who is warned on the last day no longer needs the earlier warning.
    both = {"last_warned_at": now, "warned_at": lot.warned_at or now}
    marks = both if field == "last_warned_at" else {field: now}
    if not Lot.objects.filter(pk=lot.pk, **{field: None}).update(**marks):
        return 0
    return mail.send("expiry_warning", lot.account.user, partial(_warning_email, lot))


def _expiring_lots(field: str, ahead: timedelta) -> QuerySet[Lot]:
    """Return lots that expire within `ahead` and are not marked in `field`.

    Lots whose whole lifetime is at most `ahead` are left out.
    """
    now = timezone.now()
    return (
        Lot.objects.filter(
            **{field: None},
            remaining__gt=0,
            expires_at__gt=now,
            expires_at__lte=now + ahead,
            created_at__lt=F("expires_at") - ahead,
            account__user__is_active=True,
        )
        .select_related("account__user")
        .order_by("expires_at", "pk")
    )


def _warning_email(lot: Lot) -> mail.EmailContent:
    assert lot.expires_at
    subject = ngettext(
        "%(n)d credit is about to expire", "%(n)d credits are about to expire", lot.remaining
    )
    when = ngettext(
        "%(n)d of your credits expires on %(day)s (UTC).",
        "%(n)d of your credits expire on %(day)s (UTC).",
        lot.remaining,
    )
    day = formats.date_format(lot.expires_at, "DATETIME_FORMAT")
    return mail.EmailContent(
        subject % {"n": lot.remaining},
        (
            when % {"n": lot.remaining, "day": day},
            _("The credits that expire first are spent first, so the next video uses these."),
        ),
        _("See your balance"),
        settings.BASE_URL + reverse("billing"),
    )
