"""Amounts of money: minor units (fen, cents) to whole units, and whole units to text."""

import re
from decimal import Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

# How many minor units make one whole unit, for each currency a package can have. Source: Stripe,
# "Supported currencies": only zero-decimal currencies differ.
MINOR_UNITS = {"CNY": 100, "USD": 100, "EUR": 100, "HKD": 100, "JPY": 1, "KRW": 1}
SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "HKD": "HK$", "JPY": "¥", "KRW": "₩"}
# More digits than any payment has.
AMOUNT = re.compile(r"(?P<whole>0|[1-9][0-9]{0,9})(\.(?P<decimals>[0-9]+))?")


class InvalidAmount(ValueError):
    """The text is not an amount above zero that its currency can have."""


def decimals_of(currency: str) -> int:
    return len(str(MINOR_UNITS[currency])) - 1


def to_minor(text: str, currency: str) -> int:
    """Read an amount of whole units, such as 9.90, as minor units; nothing is ever rounded.

    Only plain ASCII digits with a dot and at most the currency's decimals are read: no sign, space,
    exponent, or digits of other scripts. Raises InvalidAmount.
    """
    found, most = AMOUNT.fullmatch(text), decimals_of(currency)
    decimals = (found["decimals"] or "") if found else ""
    if not found or len(decimals) > most:
        raise InvalidAmount(
            _("Write the amount with digits and at most %(n)s decimals, such as 9.90.")
            % {"n": most}
            if most
            else _("Write the amount with digits and without decimals, such as 100.")
        )
    minor = int(found["whole"] + decimals.ljust(most, "0"))
    if not minor:
        raise InvalidAmount(_("The amount must be greater than zero."))
    return minor


def to_major(minor: int, currency: str) -> Decimal:
    """Convert an amount from minor units (fen, cents) to whole units of its currency."""
    return Decimal(minor) / MINOR_UNITS[currency]


def with_code(minor: int, currency: str) -> str:
    """Format an amount as staff read it in tables: 9.90 CNY."""
    return f"{to_major(minor, currency):.2f} {currency}"


def with_sign(amount: Decimal, currency: str, decimals: int) -> str:
    """Format whole units with the sign of their currency, in the reader's language."""
    sign = SIGNS.get(currency, f"{currency} ")
    minus = "-" if amount < 0 else ""
    return minus + sign + number_format(abs(amount), decimals, force_grouping=True)


def per_credit(amount: Decimal, currency: str) -> str:
    """Format the price of one credit: up to four decimals, but no zeros after those of money."""
    written = -int(amount.normalize().as_tuple().exponent)
    return with_sign(amount, currency, min(max(written, decimals_of(currency)), 4))


def short(minor: int, currency: str) -> str:
    """Format an amount with its sign; decimals only where there are any: ¥9.90, ¥49."""
    amount = to_major(minor, currency)
    return with_sign(amount, currency, 0 if amount == amount.to_integral_value() else 2)


def exact(minor: int, currency: str) -> str:
    """Format an amount for a receipt: all decimals, and the code, since two currencies use ¥."""
    shown = with_sign(to_major(minor, currency), currency, decimals_of(currency))
    return f"{shown} {currency}"
