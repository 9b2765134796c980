"""Amounts of money: minor units (fen, cents) to whole units, and whole units to text."""

from decimal import Decimal

from django.utils.formats import number_format

# How many minor units make one whole unit, for each currency a package can have. Source: Stripe,
# "Supported currencies": only zero-decimal currencies differ.
MINOR_UNITS = {"CNY": 100, "USD": 100, "EUR": 100, "HKD": 100, "JPY": 1, "KRW": 1}
SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "HKD": "HK$", "JPY": "¥", "KRW": "₩"}


def to_major(minor: int, currency: str) -> Decimal:
    """Convert an amount from minor units (fen, cents) to whole units of its currency."""
    return Decimal(minor) / MINOR_UNITS[currency]


def with_code(minor: int, currency: str) -> str:
    """Format an amount as staff read it in tables: 9.90 CNY."""
    return f"{to_major(minor, currency):.2f} {currency}"


def with_sign(amount: Decimal, currency: str, decimals: int) -> str:
    """Format whole units with the sign of their currency, in the reader's language."""
    sign = SIGNS.get(currency, f"{currency} ")
    return sign + number_format(amount, decimals, force_grouping=True)


def short(minor: int, currency: str) -> str:
    """Format an amount with its sign; decimals only where there are any: ¥9.90, ¥49."""
    amount = to_major(minor, currency)
    return with_sign(amount, currency, 0 if amount == amount.to_integral_value() else 2)


def exact(minor: int, currency: str) -> str:
    """Format an amount for a receipt: all decimals, and the code, since two currencies use ¥."""
    decimals = len(str(MINOR_UNITS[currency])) - 1
    return f"{with_sign(to_major(minor, currency), currency, decimals)} {currency}"
