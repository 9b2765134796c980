"""Exchange rates with their dates, and the value of a credit."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from config.environment import exchange_rates
from config.environment.exchange_rates import ExchangeRate
from tests.config.environment.test_documented_names import read_settings
from tests.config.production import start_in_production

DAY = date(2026, 11, 20)


def test_rates_are_read_with_their_dates() -> None:
    assert exchange_rates.read("USD=7.1@2026-11-20, EUR=8.25@2026-11-20") == {
        "USD": ExchangeRate(Decimal("7.1"), DAY),
        "EUR": ExchangeRate(Decimal("8.25"), DAY),
    }


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("USD=7.1", "expected a rate with its date, such as USD=7.1@2026-11-29: USD=7.1"),
        ("usd=7.1@2026-11-20", "expected a rate with its date"),
        ("USD=-7@2026-11-20", "expected a rate with its date"),
        ("USD=1e5@2026-11-20", "expected a rate with its date"),
        ("USD=٧@2026-11-20", "expected a rate with its date"),
        (",", "expected a rate with its date"),
        ("USD=7.1@2026-02-30", "day is out of range for month"),
        ("USD=0.0@2026-11-20", "the rate of USD must be above zero"),
        ("USD=7@2026-11-20,USD=8@2026-11-20", "USD is given twice"),
        ("CNY=1@2026-11-20", "credits are valued in CNY, which needs no rate"),
    ],
)
def test_value_is_refused_when_it_is_not_a_rate(value: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        exchange_rates.read(value)
    assert str(caught.value)[: len(why)] == why


def test_rate_of_the_future_is_refused() -> None:
    later = date.today() + timedelta(days=2)
    with pytest.raises(ValueError, match="the date of USD is in the future"):
        exchange_rates.read(f"USD=7.1@{later}")


def test_settings_are_read_from_the_environment(tmp_path: Path) -> None:
    names = ["EXCHANGE_RATES", "CREDIT_VALUE_RMB"]
    found = read_settings(
        tmp_path, names, EXCHANGE_RATES="USD=7.1@2026-11-20", CREDIT_VALUE_RMB="0.25"
    )
    assert found == {"EXCHANGE_RATES": {"USD": ["7.1", "2026-11-20"]}, "CREDIT_VALUE_RMB": "0.25"}


@pytest.mark.parametrize(
    ("name", "value"), [("EXCHANGE_RATES", "USD=7.1"), ("CREDIT_VALUE_RMB", "cheap")]
)
def test_start_is_refused_in_one_sentence_when_a_value_cannot_be_read(
    tmp_path: Path, name: str, value: str
) -> None:
    ended = start_in_production(tmp_path, "manage.py", "check", **{name: value})
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"{name}: '{value}' is not usable: expected")
    assert ended.stderr.count("\n") == 1
