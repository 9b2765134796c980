"""The value of credits, and costs in other currencies, in the currency of credits."""

from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings

# The currency of settings.CREDIT_VALUE_RMB.
CURRENCY = "CNY"
# An older rate is reported to staff.
RATE_LIFETIME = timedelta(days=90)


def credit_value(credits: int) -> Decimal:
    """What users pay for these credits, in CURRENCY."""
    value: Decimal = credits * settings.CREDIT_VALUE_RMB
    return value


def convert(amount: Decimal, currency: str) -> Decimal | None:
    """An amount in CURRENCY; None without a rate. Zero needs none."""
    if currency == CURRENCY or not amount:
        return amount
    rate = settings.EXCHANGE_RATES.get(currency)
    return rate and amount * rate.units


def outdated_rates(today: date) -> dict[str, date]:
    """The dates of those rates that are older than RATE_LIFETIME, by currency."""
    return {
        currency: rate.as_of
        for currency, rate in settings.EXCHANGE_RATES.items()
        if today - rate.as_of > RATE_LIFETIME
    }
