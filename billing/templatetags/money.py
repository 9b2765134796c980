"""Template filters for amounts of money."""

from decimal import Decimal

from django import template

from billing import exchange
from billing.money import exact, per_credit, short, with_sign
from billing.payments import packages

register = template.Library()
register.filter("money", short)
register.filter("exact", exact)


@register.filter
def amount(units: Decimal, currency: str = exchange.CURRENCY) -> str:
    """Format whole units with two decimals, by default in the currency of credits."""
    return with_sign(units, currency, 2)


@register.filter
def unit_price(package: packages.Package) -> str:
    """Format the price of one credit of a package."""
    return per_credit(package.unit_price, package.currency)


@register.filter
def minus(number: int, other: int) -> int:
    """Subtract one number from another in a template."""
    return number - other
