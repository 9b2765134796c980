"""E-mails about payments: the receipt of a payment, and the notice of a refund."""

from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.ledger import credits
from billing.models import Payment, Refund
from billing.money import exact
from billing.payments import state
from config.lib import mail
from config.lib.mail import EmailContent
from config.lib.models import SentEmail

# A review or a bank can delay an e-mail this long; older payments and refunds get none.
MAX_AGE = timedelta(days=30)
BATCH = 200


def send_due() -> int:
    """Queue the receipts and refund notices that are due; return how many were queued.

    A payment does not fail because its receipt cannot be composed: the next run tries again.
    """
    queued = 0
    for payment in _payments_without_receipt()[:BATCH]:
        kind = mail.Kind.RECEIPT
        queued += mail.send_once(kind, payment.pk, payment.user, partial(_receipt_email, payment))
    for refund in _refunds_without_notice()[:BATCH]:
        user = refund.payment.user
        queued += mail.send_once(mail.Kind.REFUND, refund.pk, user, partial(_refund_email, refund))
    return queued


def _payments_without_receipt() -> QuerySet[Payment]:
    sent = SentEmail.objects.filter(kind=mail.Kind.RECEIPT, reference=OuterRef("pk"))
    rows = Payment.objects.filter(
        ~Exists(sent),
        is_paid=True,
        review_reason="",
        paid_at__gt=timezone.now() - MAX_AGE,
        user__is_active=True,
    )
    return rows.select_related("user").order_by("paid_at")


def _refunds_without_notice() -> QuerySet[Refund]:
    sent = SentEmail.objects.filter(kind=mail.Kind.REFUND, reference=OuterRef("pk"))
    rows = Refund.objects.filter(
        ~Exists(sent),
        status=Refund.Status.SUCCEEDED,
        created_at__gt=timezone.now() - MAX_AGE,
        payment__user__is_active=True,
    )
    return rows.select_related("payment__user").order_by("created_at")


def _receipt_email(payment: Payment) -> EmailContent:
    amount = exact(payment.amount_minor, payment.currency)
    added = ngettext(
        "%(n)d credit was added to your balance.",
        "%(n)d credits were added to your balance.",
        payment.credits,
    )
    granted = credits.find_entry(state.grant_key(payment))
    assert payment.paid_at
    # Credits of a payment that was reviewed first live from the day they were granted.
    until = (granted and granted.expires_at) or payment.paid_at + settings.PURCHASE_LIFETIME
    day = formats.date_format(timezone.localtime(until), "DATE_FORMAT")
    return EmailContent(
        _("Your receipt: %(item)s") % {"item": payment.title},
        (
            _("Thank you. We received %(sum)s for %(item)s.")
            % {"sum": amount, "item": payment.title},
            added % {"n": payment.credits},
            _("They expire on %(day)s. Credits that expire first are spent first.") % {"day": day},
            _("Number: %(number)s") % {"number": payment.pk},
        ),
        _("View the receipt"),
        _payment_url(payment),
    )


def _refund_email(refund: Refund) -> EmailContent:
    payment = refund.payment
    removed = _(
        "We removed the credits that this payment had bought. Your credit history shows how many."
    )
    amount = exact(refund.amount_minor, payment.currency)
    return EmailContent(
        _("We refunded %(sum)s to you") % {"sum": amount},
        (
            _("%(sum)s of your payment for %(item)s was refunded.")
            % {"sum": amount, "item": payment.title},
            *([removed] if state.is_granted(payment) else []),
            _("It can take a few days to appear on your bank statement."),
        ),
        _("View the payment"),
        _payment_url(payment),
    )


def _payment_url(payment: Payment) -> str:
    return settings.BASE_URL + reverse("payment", args=[payment.pk])
