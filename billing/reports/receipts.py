"""Payments as the billing page and the receipt show them."""

from dataclasses import dataclass

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from billing.models import Payment

Status = Payment.Status

STATUSES: dict[str, tuple[Promise, str]] = {
    Status.PENDING: (gettext_lazy("Waiting"), "running"),
    Status.SUCCEEDED: (gettext_lazy("Paid"), "good"),
    Status.FAILED: (gettext_lazy("Not paid"), ""),
    Status.REFUNDED: (gettext_lazy("Refunded"), "warn"),
    Status.PARTIAL_REFUNDED: (gettext_lazy("Partly refunded"), "warn"),
}
REASONS: dict[str, Promise] = {
    "session_expired": gettext_lazy("The checkout expired before it was completed."),
    "payment_failed": gettext_lazy("The bank declined the payment."),
    "not_accepted": gettext_lazy("The amount paid differs from the price."),
    "create_failed": gettext_lazy("The checkout could not be prepared."),
}
FAILED = gettext_lazy("The payment failed.")


@dataclass(frozen=True)
class Receipt:
    """A payment, with its status and the reason of a failure in words."""

    payment: Payment

    @property
    def status(self) -> tuple[Promise, str]:
        return STATUSES[self.payment.status]

    @property
    def reason(self) -> str:
        """Why it failed, in one sentence."""
        return str(REASONS.get(self.payment.failure_code, FAILED))

    @property
    def can_continue(self) -> bool:
        """Whether its checkout page may still be open."""
        row = self.payment
        waiting = row.status == Status.PENDING and timezone.now() < row.session_expires_at
        return waiting and bool(row.payment_url)
