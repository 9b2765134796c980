"""The page of one payment."""

import re
from decimal import Decimal

from django.conf import LazySettings
from django.test import Client

from accounts.models import User
from billing.models import Payment
from tests.billing import payment_events
from tests.billing.web import pages
from tests.markup import flat


def test_payment_page_names_staff_when_the_payment_was_not_accepted(
    page: Client, alice: User
) -> None:
    payment = payment_events.create_payment(alice, status="failed", failure_code="not_accepted")
    shown = pages.text_of(page, f"/billing/payments/{payment.pk}/")
    assert "Nothing was charged" not in shown
    assert "Our staff will contact you about the money." in shown


def test_payment_page_says_that_the_payment_is_awaited_when_it_is_pending(
    page: Client, alice: User
) -> None:
    payment = payment_events.create_payment(alice)
    shown = pages.text_of(page, f"/billing/payments/{payment.pk}/")
    assert "Waiting for the payment. This usually takes seconds." in shown
    assert "Credits are added automatically. You can leave this page." in shown


def facts(page: Client, payment: Payment) -> dict[str, str]:
    """What the receipt says, by its labels; tags are left out."""
    shown = flat(page.get(f"/billing/payments/{payment.pk}/"))
    rows = re.findall(r"<dt[^>]*>(.*?)</dt><dd[^>]*>(.*?)</dd>", shown.replace("> <", "><"))
    plain = [[" ".join(re.sub("<[^>]*>", " ", part).split()) for part in row] for row in rows]
    return {row[0]: row[1] for row in plain}


def test_receipt_names_the_seller_where_it_is_set(
    page: Client, alice: User, settings: LazySettings
) -> None:
    payment = payment_events.create_paid_payment(alice, "premium")
    shown = facts(page, payment)
    assert (shown["Issued by"], shown["Total paid"]) == ("Firstlight", "¥199.00 CNY")
    assert "Without tax" not in shown
    settings.SELLER_ADDRESS, settings.SELLER_TAX_ID = "Example Ltd, Dublin", "IE1234567X"
    shown = facts(page, payment)
    assert shown["Issued by"] == "Firstlight Example Ltd, Dublin Tax number IE1234567X"


def test_receipt_states_the_tax_of_the_day_of_the_order(
    page: Client, alice: User, settings: LazySettings
) -> None:
    settings.TAX_PERCENT, settings.TAX_NAME = Decimal(25), "VAT"
    payment = payment_events.create_paid_payment(alice, "premium")
    found = []
    for name, percent in (("VAT", Decimal(19)), ("GST", Decimal("7.5"))):
        Payment.objects.filter(pk=payment.pk).update(tax_name=name, tax_percent=percent)
        shown = facts(page, payment)
        found.append((shown["Without tax"], shown.get("VAT, 19%"), shown.get("GST, 7.5%")))
    assert found == [("¥167.23 CNY", "¥31.77 CNY", None), ("¥185.12 CNY", None, "¥13.88 CNY")]


def test_receipt_has_one_time_zone(page: Client, alice: User) -> None:
    shown = facts(page, payment_events.create_paid_payment(alice))
    assert [shown[name][-4:] for name in ("Ordered", "Paid")] == [" UTC", " UTC"]
