"""Read exchange rates: what a unit of a currency is worth in the currency of credits, and when."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

ITEM = re.compile(r"([A-Z]{3})=(\d{1,9}(?:\.\d{1,9})?)@(\d{4}-\d{2}-\d{2})", re.ASCII)


class ExchangeRate(NamedTuple):
    """How many units of the credits' currency one unit is worth, as of a day."""

    units: Decimal
    as_of: date


def read(value: str) -> dict[str, ExchangeRate]:
    """Read "USD=7.1@2026-11-29, EUR=8.2@2026-11-28". Raises ValueError."""
    found: dict[str, ExchangeRate] = {}
    for item in re.split(r"[,\s]+", value.strip(", ")):
        match = ITEM.fullmatch(item)
        if not match:
            raise ValueError(f"expected a rate with its date, such as USD=7.1@2026-11-29: {item}")
        currency, rate = match[1], ExchangeRate(Decimal(match[2]), date.fromisoformat(match[3]))
        if not rate.units:
            raise ValueError(f"the rate of {currency} must be above zero")
        # The day may have begun elsewhere.
        if rate.as_of > date.today() + timedelta(days=1):  # noqa: DTZ011
            raise ValueError(f"the date of {currency} is in the future")
        if currency in found:
            raise ValueError(f"{currency} is given twice")
        if currency == "CNY":
            raise ValueError("credits are valued in CNY, which needs no rate")
        found[currency] = rate
    return found
