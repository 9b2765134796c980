"""Reviews: what staff decide about payments that do not match what Stripe reports.

Until they decide, no credits are granted for the payment; credits are still clawed back.
"""

from django.utils import timezone
from django.utils.translation import gettext as _

from billing.models import Payment
from billing.payments.state import fail, update_payment


class AlreadyDecided(Exception):
    """The review was closed meanwhile, or its reason has changed; nothing was changed."""


def accept(payment: Payment, reason: str) -> Payment:
    """Accept a payment under review as paid in full and grant its credits.

    Raises AlreadyDecided unless `reason` is still why it is under review; nothing is written then.
    """

    def paid(row: Payment) -> None:
        _close_review(row, reason)
        if not row.is_paid:
            row.is_paid, row.paid_at = True, timezone.now()

    return update_payment(payment.pk, paid)


def dismiss(payment: Payment, reason: str) -> Payment:
    """Close a review without taking the payment as paid; its other facts stay as they are.

    A payment that was not paid fails. Raises AlreadyDecided; then nothing is written.
    """

    def closed(row: Payment) -> None:
        _close_review(row, reason)
        if not row.is_paid:
            fail(row, "not_accepted")

    return update_payment(payment.pk, closed)


def _close_review(payment: Payment, reason: str) -> None:
    if not reason or payment.review_reason != reason:
        raise AlreadyDecided(_("Someone else already decided this. Reload the page and try again."))
    payment.reviewed_reasons = [*payment.reviewed_reasons, reason]
    payment.review_reason = ""
