"""Credits that expire: the sweep that books them, and the warnings a week and a day before."""

import logging
from datetime import timedelta
from functools import partial
from smtplib import SMTPRecipientsRefused

from django.conf import settings
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.ledger import credits
from billing.models import Account, Lot
from config.lib import mail

log = logging.getLogger(__name__)

AT_ONCE = 200
LAST_WARNING = timedelta(days=1)


def sweep() -> int:
    """Book what has expired on every account; returns how many credits that was.

    An account that fails is logged and left for the next time; the others go on.
    """
    gone = 0
    due = Account.objects.filter(next_expiry_at__lte=timezone.now()).select_related("user")
    for account in due.order_by("pk"):
        try:
            gone += credits.expire(account.user)
        except Exception:  # one broken account must not keep the others' books open
            log.exception("expiring the credits of account %s", account.pk)
    return gone


def warn() -> int:
    """Write to the owners of lots that expire soon, once, and once more on the last day.

    Returns how many were written. A lot is marked first, so that of two sweeps one writes; if the
    mail cannot be handed over the mark is taken away and the next sweep tries again.
    """
    last = min(LAST_WARNING, settings.EXPIRY_WARNING)
    return _warn("last_warned_at", last) + _warn("warned_at", settings.EXPIRY_WARNING)


def _warn(mark: str, ahead: timedelta) -> int:
    sent = 0
    for lot in _expiring(mark, ahead)[:AT_ONCE]:
        now, told = timezone.now(), lot.warned_at
        # Who hears of the last day needs no word about the last week.
        both = {"last_warned_at": now, "warned_at": told or now}
        marks = both if mark == "last_warned_at" else {mark: now}
        if not Lot.objects.filter(pk=lot.pk, **{mark: None}).update(**marks):
            continue
        try:
            sent += mail.send(lot.account.user, partial(_letter, lot))
        except SMTPRecipientsRefused:  # and would be again
            log.warning("the warning of lot %s was refused", lot.pk)
        except Exception as error:
            log.exception("warning of lot %s", lot.pk)
            Lot.objects.filter(pk=lot.pk).update(**{**dict.fromkeys(marks), "warned_at": told})
            if isinstance(error, OSError):  # the mail server is away, for everybody
                raise
    return sent


def _expiring(mark: str, ahead: timedelta) -> QuerySet[Lot]:
    """Lots nobody was told of; one that was given for so short a time says so when it is given."""
    now = timezone.now()
    return (
        Lot.objects.filter(
            **{mark: None},
            remaining__gt=0,
            expires_at__gt=now,
            expires_at__lte=now + ahead,
            created_at__lt=F("expires_at") - ahead,
            account__user__is_active=True,
        )
        .select_related("account__user")
        .order_by("expires_at", "pk")
    )


def _letter(lot: Lot) -> mail.EmailContent:
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
