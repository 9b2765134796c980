"""The presenter of payments: on the billing page and on the receipt."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings
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
FAILURE_REASONS: dict[str, Promise] = {
    "session_expired": gettext_lazy("The checkout expired before it was completed."),
    "payment_failed": gettext_lazy("The bank declined the payment."),
    "not_accepted": gettext_lazy("The amount paid differs from the price."),
    "account_closed": gettext_lazy("The account was closed before it was paid."),
    "create_failed": gettext_lazy("The checkout could not be prepared."),
}
UNKNOWN_FAILURE = gettext_lazy("The payment failed.")


@dataclass(frozen=True)
class IncludedTax:
    """The tax that a price includes; amounts are in minor units."""

    name: str
    percent: Decimal
    net: int
    sum: int


def included_tax(payment: Payment) -> IncludedTax | None:
    """Return the tax in a payment, rounded half up; None where the seller stated none then."""
    percent = payment.tax_percent
    if not percent:
        return None
    exact = payment.amount_minor * percent / (100 + percent)
    tax = int(exact.quantize(Decimal(1), ROUND_HALF_UP))
    name = payment.tax_name or ""
    return IncludedTax(name, percent.normalize(), payment.amount_minor - tax, tax)


@dataclass(frozen=True)
class Receipt:
    """A payment with its status and the reason of a failure as text."""

    payment: Payment

    @property
    def status(self) -> tuple[Promise, str]:
        """The label of the status, and what the CSS class of its badge says about it."""
        return STATUSES[self.payment.status]

    @property
    def reason(self) -> str:
        """Why the payment failed, in one sentence."""
        return str(FAILURE_REASONS.get(self.payment.failure_code, UNKNOWN_FAILURE))

    @property
    def seller_address(self) -> str:
        return str(settings.SELLER_ADDRESS)

    @property
    def seller_tax_id(self) -> str:
        return str(settings.SELLER_TAX_ID)

    @property
    def tax(self) -> IncludedTax | None:
        """The tax in what was paid; None before, and where the seller states none."""
        return included_tax(self.payment) if self.payment.is_paid else None

    @property
    def can_continue(self) -> bool:
        """Whether the checkout page of the payment may still be open."""
        row = self.payment
        waiting = row.status == Status.PENDING and timezone.now() < row.session_expires_at
        return waiting and bool(row.payment_url)
