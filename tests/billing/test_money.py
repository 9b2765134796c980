"""Reading amounts of money that people and programs write."""

from decimal import Decimal

import pytest

from billing import money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("9.90", "CNY", 990),
        ("9.9", "USD", 990),
        ("9", "EUR", 900),
        ("0.01", "USD", 1),
        ("1234567890.12", "CNY", 123456789012),
        ("100", "JPY", 100),
        ("5000", "KRW", 5000),
    ],
)
def test_amount_is_read_exactly_when_it_is_plain(text: str, currency: str, minor: int) -> None:
    assert money.to_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        *[(text, "CNY") for text in (
            "", " ", "0", "0.00", "-1", "+1", " 1", "1 ", "1\n", "1e-1", "1E2", "1_0", "1,000",
            "0x10", "１２", "٣", "1.", ".5", "01", "1.234", "1.2.3", "NaN", "Infinity", "None",
            "¥9.90", "9.90 CNY", "99999999999",
        )],
        *[(text, "JPY") for text in ("100.70", "100.0", "100.", "0", "１００")],
    ],
)  # fmt: skip
def test_amount_is_refused_when_it_is_not_plain(text: str, currency: str) -> None:
    with pytest.raises(money.InvalidAmount):
        money.to_minor(text, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("0.0990", "CNY", "¥0.099"),
        ("0.0825", "CNY", "¥0.0825"),
        ("0.1000", "USD", "$0.10"),
        ("1", "EUR", "€1.00"),
        ("10", "JPY", "¥10"),
        ("1.5", "KRW", "₩1.5"),
    ],
)
def test_price_of_a_credit_is_written_without_needless_zeros(
    amount: str, currency: str, shown: str
) -> None:
    assert money.per_credit(Decimal(amount), currency) == shown
