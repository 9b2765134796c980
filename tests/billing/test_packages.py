"""What can be bought: the documents' packages, and what staff make of them."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from billing.models import PackageOverride
from billing.payments import packages
from billing.payments.packages import Package
from tests.billing import told

pytestmark = pytest.mark.django_db


def test_packages_are_the_documented_ones() -> None:
    shown = [(p.key, p.name, p.credits, p.price_minor, p.currency) for p in on_sale()]
    assert shown == [
        ("trial", "Trial Pack", 100, 990, "CNY"),
        ("standard", "Standard Pack", 500, 4900, "CNY"),
        ("value", "Value Pack", 1200, 9900, "CNY"),
        ("premium", "Premium Pack", 3000, 19900, "CNY"),
    ]
    assert [p.price for p in on_sale()] == list(map(Decimal, ("9.9", "49", "99", "199")))
    unit_prices = ("0.0990", "0.0980", "0.0825", "0.0663")
    assert [str(p.unit_price) for p in on_sale()] == list(unit_prices)
    assert [p.saving_percent for p in on_sale()] == [0, 1, 17, 33]


def on_sale() -> list[Package]:
    return list(packages.on_sale().values())


def row(key: str, **fields: object) -> PackageOverride:
    values = {"name": "Staff's", "credits": 10, "price_minor": 100, **fields}
    return PackageOverride.objects.create(key=key, **values)


def test_package_changed_by_staff() -> None:
    row("trial", credits=120, price_minor=890)
    assert packages.get("trial") == Package("trial", "Staff's", 120, 890)
    assert [p.key for p in on_sale()] == ["trial", "standard", "value", "premium"]


def test_package_retired_by_staff_and_brought_back() -> None:
    retired = row("trial", is_active=False)
    assert [p.key for p in on_sale()] == ["standard", "value", "premium"]
    with pytest.raises(packages.UnknownPackage):
        packages.get("trial")
    retired.delete()
    assert packages.get("trial").credits == 100


def test_package_added_by_staff_stands_where_its_price_belongs() -> None:
    row("mega", credits=10_000, price_minor=50_000)
    row("mini", credits=1, price_minor=10)
    keys = ["mini", "trial", "standard", "value", "premium", "mega"]
    assert [p.key for p in on_sale()] == keys


def test_package_in_a_currency_without_cents() -> None:
    row("yen", credits=300, price_minor=500, currency="JPY")
    package = packages.get("yen")
    assert (package.price, package.unit_price, package.saving_percent) == (
        Decimal(500),
        Decimal("1.6667"),
        0,
    )


@pytest.mark.parametrize("key", ["gold", "", "TRIAL", "trial ", "x" * 500])
def test_package_that_is_not_on_sale(key: str) -> None:
    with pytest.raises(packages.UnknownPackage) as refusal:
        packages.get(key)
    assert str(refusal.value) == f"Invalid package: {key[:40]}"


def test_payment_keeps_what_was_sold(carol: User) -> None:
    payment = told.order(carol)
    row("trial", name="Dearer", credits=1, price_minor=99_000)
    told.tell(told.completed(payment))
    payment = told.now_of(payment)
    assert (payment.name, payment.credits, payment.amount_minor) == ("Trial Pack", 100, 990)
    assert told.standing(payment).credits == 100


@pytest.mark.parametrize("fields", [{"credits": 0}, {"price_minor": 0}, {"credits": -1}])
def test_package_row_that_sells_nothing_or_for_nothing(fields: dict[str, int]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        row("bad", **fields)
