"""Reviews: staff decide about payments that do not match what Stripe reports.

Until they decide, no credits are granted for the payment; credits granted before are still clawed
back when money is returned.
"""

from django.utils import timezone
from django.utils.translation import gettext as _

from billing.models import Payment
from billing.payments.state import record_failure, update_payment


class AlreadyDecided(Exception):
    """The review is closed, or its reason is another by now; nothing was changed."""


def accept(payment: Payment, reason: str) -> Payment:
    """Accept a payment under review as paid in full and grant its credits.

    `reason` is why it is under review, as staff saw it. Raises AlreadyDecided if that has changed;
    then nothing is written.
    """

    def mark_paid(row: Payment) -> None:
        _close_review(row, reason)
        if not row.is_paid:
            row.is_paid, row.paid_at = True, timezone.now()

    return update_payment(payment.pk, mark_paid)


def dismiss(payment: Payment, reason: str) -> Payment:
    """Close the review of a payment and keep the facts Stripe reported.

    A payment that was not paid fails; a paid one gets its credits. Raises AlreadyDecided as
    `accept` does.
    """

    def close(row: Payment) -> None:
        _close_review(row, reason)
        if not row.is_paid:
            record_failure(row, "not_accepted")

    return update_payment(payment.pk, close)


def _close_review(payment: Payment, reason: str) -> None:
    if not reason or payment.review_reason != reason:
        raise AlreadyDecided(_("Someone else already decided this. Reload the page and try again."))
    payment.reviewed_reasons = [*payment.reviewed_reasons, reason]
    payment.review_reason = ""
