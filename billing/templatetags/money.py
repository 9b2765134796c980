"""Money as people read it: a sign, and decimals only where there are any."""

from decimal import Decimal

from django import template
from django.utils.formats import number_format

from billing import packages

register = template.Library()

SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "HKD": "HK$", "JPY": "¥", "KRW": "₩"}


@register.filter
def money(minor: int, currency: str) -> str:
    """Minor units with the sign of their currency."""
    amount = packages.major(minor, currency)
    return signed(amount, currency, 0 if amount == amount.to_integral_value() else 2)


@register.filter
def exact(minor: int, currency: str) -> str:
    """The same for a receipt: all decimals, and the currency's code, for ¥ is said of two."""
    decimals = len(str(packages.MINOR_UNITS[currency])) - 1
    return f"{signed(packages.major(minor, currency), currency, decimals)} {currency}"


@register.filter
def unit_price(package: packages.Package) -> str:
    """What one credit of a package costs."""
    return signed(package.unit_price, package.currency, 4)


@register.filter
def minus(number: int, other: int) -> int:
    return number - other


def signed(amount: Decimal, currency: str, decimals: int) -> str:
    return SIGNS.get(currency, f"{currency} ") + number_format(
        amount, decimals, force_grouping=True
    )
