"""Credits that expire: the sweep that books them, and the warning some days before."""

import logging

from django.conf import settings
from django.core.mail import send_mail
from django.db.models import F, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from billing import ledger
from billing.models import Account, Lot

log = logging.getLogger(__name__)

AT_ONCE = 200


def sweep() -> int:
    """Book what has expired on every account; returns how many credits that was.

    An account that fails is logged and left for the next time; the others go on.
    """
    gone = 0
    due = Account.objects.filter(next_expiry_at__lte=timezone.now()).select_related("user")
    for account in due.order_by("pk"):
        try:
            gone += ledger.expire(account.user)
        except Exception:  # one broken account must not keep the others' books open
            log.exception("expiring the credits of account %s", account.pk)
    return gone


def warn() -> int:
    """Write to the owners of lots that expire soon, once per lot; returns how many were written.

    A lot is marked first, so that of two sweeps one writes; if the mail cannot be handed over the
    mark is taken away and the next sweep tries again.
    """
    sent = 0
    for lot in _expiring()[:AT_ONCE]:
        if not Lot.objects.filter(pk=lot.pk, warned_at=None).update(warned_at=timezone.now()):
            continue
        try:
            sent += _write(lot)
        except Exception:  # one dead address must not keep the others uninformed
            log.exception("warning of lot %s", lot.pk)
            Lot.objects.filter(pk=lot.pk).update(warned_at=None)
    return sent


def _expiring() -> QuerySet[Lot]:
    """Lots nobody was told of; one that was given for so short a time says so when it is given."""
    now = timezone.now()
    return (
        Lot.objects.filter(
            remaining__gt=0,
            warned_at=None,
            expires_at__gt=now,
            expires_at__lte=now + settings.EXPIRY_WARNING,
            created_at__lt=F("expires_at") - settings.EXPIRY_WARNING,
            account__user__is_active=True,
        )
        .select_related("account__user")
        .order_by("expires_at", "pk")
    )


def _write(lot: Lot) -> int:
    user = lot.account.user
    address = str(getattr(user, user.get_email_field_name(), ""))
    if not address:
        return 0
    context = {
        "lot": lot,
        "site_name": settings.SITE_NAME,
        "url": settings.BASE_URL + reverse("billing"),
    }
    subject = ngettext(
        "%(n)d credit is about to expire", "%(n)d credits are about to expire", lot.remaining
    )
    text = render_to_string("billing/expiry_mail.txt", context)
    return send_mail(subject % {"n": lot.remaining}, text, None, [address])
