"""Staff refund a payment: they see a preview, then confirm it."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import User
from billing.ledger import credits
from billing.models import Payment, Refund
from billing.payments import refunds
from tests.billing import payment_events, stripe_sandbox
from tests.conftest import ServerThread, create_user


@pytest.fixture
def payment(stripe_server: ServerThread, carol: User) -> Payment:
    return stripe_sandbox.create_paid_payment(carol)


def url(payment: Payment) -> str:
    return f"/admin/billing/payment/{payment.pk}/refund/"


def form(amount: str = "9.90") -> dict[str, str]:
    return {"amount": amount, "reason": "Broken"}


def preview(staff_client: Client, payment: Payment, amount: str = "9.90") -> Any:
    """Return the context of the preview page."""
    return staff_client.post(url(payment), form(amount)).context


def confirm(staff_client: Client, payment: Payment, shown: Any, amount: str = "9.90") -> Any:
    sent = {**form(amount), "confirm": "1", "token": str(shown["token"])}
    return staff_client.post(url(payment), sent)


def test_refund_page_offers_the_whole_amount_when_nothing_was_refunded(
    payment: Payment, staff_client: Client
) -> None:
    shown = staff_client.get(url(payment)).context
    assert str(shown["left"]) == "9.9"
    assert shown["form"].initial["amount"] == shown["left"]
    assert shown["preview"] is None


def test_refund_page_previews_the_credits_when_an_amount_is_entered(
    payment: Payment, staff_client: Client
) -> None:
    credits.spend(payment.user, 60, "spend")
    assert preview(staff_client, payment)["preview"] == refunds.RefundPreview(990, 100, 40, 60)
    assert (
        stripe_sandbox.list_objects("refund"),
        Refund.objects.count(),
        credits.available(payment.user),
    ) == (
        [],
        0,
        40,
    )


def test_refund_page_refunds_the_payment_when_confirmed(
    payment: Payment, staff_client: Client, staff: User
) -> None:
    answer = confirm(staff_client, payment, preview(staff_client, payment, "3.30"), "3.30")
    assert (answer.status_code, answer["Location"]) == (
        302,
        f"/admin/billing/payment/{payment.pk}/change/",
    )
    row = Refund.objects.get()
    assert (row.amount_minor, row.source, row.reason, row.actor) == (330, "admin", "Broken", staff)
    assert credits.available(payment.user) == 67
    entry = LogEntry.objects.get()
    assert (entry.user_id, entry.object_id) == (staff.pk, str(payment.pk))
    assert entry.get_change_message() == "refund of 3.3: Broken"


def test_refund_page_refunds_once_when_confirmed_twice(
    payment: Payment, staff_client: Client
) -> None:
    shown = preview(staff_client, payment, "3.30")
    assert [confirm(staff_client, payment, shown, "3.30").status_code for _ in range(2)] == [
        302,
        302,
    ]
    assert (
        len(stripe_sandbox.list_objects("refund")),
        Refund.objects.count(),
        LogEntry.objects.count(),
    ) == (
        1,
        1,
        1,
    )
    assert credits.available(payment.user) == 67


def test_refund_page_refunds_twice_when_opened_again(
    payment: Payment, staff_client: Client
) -> None:
    for _ in range(2):
        confirm(staff_client, payment, preview(staff_client, payment, "3.30"), "3.30")
    assert (len(stripe_sandbox.list_objects("refund")), LogEntry.objects.count()) == (2, 2)


def test_refund_page_refunds_nothing_when_confirmed_without_a_preview(
    payment: Payment, staff_client: Client
) -> None:
    answer = staff_client.post(url(payment), {**form(), "confirm": "1"})
    assert (answer.status_code, stripe_sandbox.list_objects("refund"), Refund.objects.count()) == (
        200,
        [],
        0,
    )


def test_refund_page_refunds_nothing_when_the_payment_was_refunded_meanwhile(
    payment: Payment, staff_client: Client
) -> None:
    shown = preview(staff_client, payment)
    refunds.refund(payment, None, source=Refund.Source.API)
    assert confirm(staff_client, payment, shown).status_code == 302
    assert (len(stripe_sandbox.list_objects("refund")), LogEntry.objects.count()) == (1, 0)


@pytest.mark.parametrize("amount", ["9.91", "0", "-1", "x", "1.001", ""])
def test_refund_page_shows_an_error_when_the_amount_is_invalid(
    payment: Payment, staff_client: Client, amount: str
) -> None:
    shown = preview(staff_client, payment, amount)
    assert list(shown["form"].errors) == ["amount"]
    assert shown["preview"] is None


def test_refund_page_shows_an_error_when_the_payment_was_never_paid(
    carol: User, staff_client: Client
) -> None:
    shown = preview(staff_client, payment_events.create_payment(carol))
    assert list(shown["form"].errors) == ["amount"]


@pytest.mark.parametrize("clerk", [True, False])
def test_refund_page_is_refused_when_staff_lack_the_permission(
    payment: Payment, clerk: bool
) -> None:
    other = Client()
    other.force_login(create_user("other", is_staff=clerk))
    codes = [
        other.get(url(payment)).status_code,
        confirm(other, payment, {"token": "x"}).status_code,
    ]
    assert codes == ([403, 403] if clerk else [302, 302])
    assert Refund.objects.count() == 0
