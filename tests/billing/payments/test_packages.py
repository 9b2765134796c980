"""The packages on sale: the documented ones, and the changes of staff."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from billing.models import PackageOverride
from billing.payments import packages
from billing.payments.packages import Package
from tests.billing import payment_events

pytestmark = pytest.mark.django_db


def test_packages_are_the_documented_ones_when_staff_changed_none() -> None:
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


def test_package_has_the_values_of_staff_when_they_changed_it() -> None:
    row("trial", credits=120, price_minor=890)
    assert packages.get("trial") == Package("trial", "Staff's", 120, 890)
    assert [p.key for p in on_sale()] == ["trial", "standard", "value", "premium"]


def test_package_is_not_on_sale_when_staff_withdrew_it() -> None:
    retired = row("trial", is_active=False)
    assert [p.key for p in on_sale()] == ["standard", "value", "premium"]
    with pytest.raises(packages.UnknownPackage):
        packages.get("trial")
    retired.delete()
    assert packages.get("trial").credits == 100


def test_packages_are_sorted_by_price_when_staff_add_some() -> None:
    row("mega", credits=10_000, price_minor=50_000)
    row("mini", credits=1, price_minor=10)
    keys = ["mini", "trial", "standard", "value", "premium", "mega"]
    assert [p.key for p in on_sale()] == keys


def test_package_prices_are_right_when_the_currency_has_no_cents() -> None:
    row("yen", credits=300, price_minor=500, currency="JPY")
    package = packages.get("yen")
    assert (package.price, package.unit_price, package.saving_percent) == (
        Decimal(500),
        Decimal("1.6667"),
        0,
    )


@pytest.mark.parametrize("key", ["gold", "", "TRIAL", "trial ", "x" * 500])
def test_get_is_refused_when_the_package_is_not_on_sale(key: str) -> None:
    with pytest.raises(packages.UnknownPackage) as refusal:
        packages.get(key)
    assert str(refusal.value) == f"Invalid package: {key[:40]}"


def test_payment_keeps_its_package_when_staff_change_it(carol: User) -> None:
    payment = payment_events.create_payment(carol)
    row("trial", name="Dearer", credits=1, price_minor=99_000)
    payment_events.deliver(payment_events.checkout_completed(payment))
    payment = payment_events.reload(payment)
    assert (payment.name, payment.credits, payment.amount_minor) == ("Trial Pack", 100, 990)
    assert payment_events.payment_state(payment).credits == 100


@pytest.mark.parametrize("fields", [{"credits": 0}, {"price_minor": 0}, {"credits": -1}])
def test_database_refuses_when_credits_or_price_are_not_positive(fields: dict[str, int]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        row("bad", **fields)
