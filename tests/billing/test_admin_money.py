"""What staff decide about money: reviews, grants, packages; each with a reason, each in the log."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from accounts.models import User
from billing.ledger import credits, invariants
from billing.models import Account, AuditRun, Payment
from billing.payments import packages, refunds, reviews
from tests.billing import told
from tests.billing.conftest import lines
from tests.conftest import create_user

PAYMENTS = "/admin/billing/payment/"


@pytest.fixture
def doubtful(carol: User) -> Payment:
    """Less was paid than was asked."""
    payment = told.order(carol)
    assert told.tell(told.completed(payment, amount_total=980)) == ["review"]
    return told.now_of(payment)


def ask(staff_client: Client, action: str, *chosen: Payment, **more: str) -> Any:
    return staff_client.post(
        PAYMENTS, {"action": action, "_selected_action": [p.pk for p in chosen], **more}
    )


def decide(
    staff_client: Client, action: str, payment: Payment, reason: str = "Seen the money"
) -> Any:
    more = {"confirm": "1", f"question:{payment.pk}": payment.review_reason, "reason": reason}
    return ask(staff_client, action, payment, **more)


def log() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")]


# ---- reviews ----


def test_a_decision_is_shown_before_it_is_made(staff_client: Client, doubtful: Payment) -> None:
    shown = ask(staff_client, "accept", doubtful)
    assert (shown.context["payments"], shown.context["title"]) == ([doubtful], "Accept as paid")
    assert doubtful.review_reason in shown.content.decode()
    assert (told.now_of(doubtful), log()) == (doubtful, [])


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201])
def test_a_decision_needs_a_reason(staff_client: Client, doubtful: Payment, reason: str) -> None:
    answer = decide(staff_client, "accept", doubtful, reason)
    assert list(answer.context["form"].errors) == ["reason"]
    assert (told.now_of(doubtful).review_reason, log()) == (doubtful.review_reason, [])


def test_a_payment_that_is_accepted(staff_client: Client, doubtful: Payment) -> None:
    assert decide(staff_client, "accept", doubtful).status_code == 302
    assert told.standing(doubtful) == told.Standing("succeeded", 0, 100, 0, 0, 1)
    assert log() == [f"Accept as paid ({doubtful.review_reason}): Seen the money"]
    assert invariants.problems() == []


def test_a_payment_that_is_dismissed(staff_client: Client, doubtful: Payment) -> None:
    assert decide(staff_client, "dismiss", doubtful).status_code == 302
    now = told.now_of(doubtful)
    assert (now.status, now.failure_code, now.review_reason) == ("failed", "not_accepted", "")
    assert credits.available(doubtful.user) == 0
    assert log() == [f"Dismiss ({doubtful.review_reason}): Seen the money"]


@pytest.mark.parametrize("action", ["accept", "dismiss"])
def test_what_was_decided_is_not_asked_again(
    staff_client: Client, doubtful: Payment, action: str
) -> None:
    decide(staff_client, action, doubtful)
    after = told.standing(doubtful)
    assert told.tell(told.completed(doubtful, amount_total=980)) == ["done"]
    assert (told.now_of(doubtful).review_reason, told.standing(doubtful)) == ("", after)
    told.tell(told.completed(doubtful, payment_status="no_payment_required"))
    assert told.now_of(doubtful).review_reason == "Stripe asked for no payment"


def test_a_decision_that_somebody_else_made_first(staff_client: Client, doubtful: Payment) -> None:
    reviews.dismiss(doubtful, doubtful.review_reason)
    told.tell(told.completed(doubtful, payment_status="no_payment_required"))
    decide(staff_client, "accept", doubtful)
    now = told.now_of(doubtful)
    assert (now.is_paid, now.review_reason, log()) == (False, "Stripe asked for no payment", [])


def test_there_is_nothing_to_decide_about_a_sound_payment(
    staff_client: Client, carol: User
) -> None:
    payment = told.bought(carol)
    assert ask(staff_client, "accept", payment).status_code == 302
    assert (told.standing(payment).grants, log()) == (1, [])
    with pytest.raises(reviews.AlreadyDecided):
        reviews.accept(payment, "")


def test_a_decision_is_for_those_who_may(doubtful: Payment) -> None:
    clerk = Client()
    clerk.force_login(create_user("clerk", is_staff=True))
    assert decide(clerk, "accept", doubtful).status_code == 403
    assert told.now_of(doubtful).review_reason == doubtful.review_reason


# ---- what was granted is taken back, whatever waits for a decision ----


@pytest.fixture
def granted(carol: User) -> Payment:
    """Paid and granted; then something else came that does not match."""
    payment = told.bought(carol)
    assert told.tell(told.completed(payment, amount_total=980)) == ["review"]
    return told.now_of(payment)


@pytest.mark.parametrize("word", ["refund", "dispute"])
def test_a_review_does_not_keep_credits_whose_money_went_back(granted: Payment, word: str) -> None:
    told.tell(told.refunded(granted, 990) if word == "refund" else told.disputed(granted, "lost"))
    assert credits.available(granted.user) == 0
    assert granted.review_reason != ""
    told.tell(told.refunded(granted, 990, "failed"), told.disputed(granted, "won"))
    assert credits.available(granted.user) == 100


def test_a_review_does_not_stop_staff_from_refunding(granted: Payment) -> None:
    assert refunds.preview(granted, 990) == refunds.RefundPreview(990, 100, 100, 0)


def test_a_review_stops_the_refund_of_what_was_never_granted(carol: User) -> None:
    payment = told.order(carol)
    other = {**told.session(payment), "id": "cs_of_somebody_else"}
    told.tell(told.event("checkout.session.completed", other), told.completed(payment))
    payment = told.now_of(payment)
    assert payment.is_paid is True
    assert payment.review_reason != ""
    with pytest.raises(refunds.NotRefundable):
        refunds.preview(payment, 990)
    told.tell(told.refunded(payment, 330))
    assert lines(carol) == []
    reviews.dismiss(payment, payment.review_reason)
    assert told.standing(payment) == told.Standing("partial_refunded", 330, 67, 0, 33, 1)


# ---- grants ----


def adjust(
    staff_client: Client,
    user: User,
    amount: int,
    reason: str = "Sorry",
    token: int = 1,
    **more: str,
) -> Any:
    more = more or {"confirm": "1"}
    asked = {"amount": amount, "days": 90, "reason": reason, "token": f"{token:032x}", **more}
    return staff_client.post(f"/admin/billing/account/{user.pk}/adjust/", asked)


@pytest.mark.parametrize(("amount", "after"), [(50, 150), (-20, 80), (-100, 0)])
def test_the_balance_after_it_is_shown_before_it_is_booked(
    staff_client: Client, alice: User, amount: int, after: int
) -> None:
    shown = adjust(staff_client, alice, amount, confirm_later="1").context
    assert (shown["available"], shown["preview"]) == (100, after)
    assert (lines(alice), log()) == ([("bonus", 100)], [])


def test_what_is_owed_is_taken_from_what_is_given(staff_client: Client, carol: User) -> None:
    Account.objects.create(user=carol, debt=30)
    shown = [
        adjust(staff_client, carol, amount, confirm_later="1").context["preview"]
        for amount in (50, 20)
    ]
    assert shown == [20, 0]


def test_staff_give_and_take_credits(staff_client: Client, alice: User) -> None:
    for amount in (50, -20):
        assert adjust(staff_client, alice, amount, token=50 + amount).status_code == 302
    assert lines(alice) == [("bonus", 100), ("adjusted", 50), ("adjusted", -20)]
    assert log() == ["+50 credits: Sorry", "-20 credits: Sorry"]


def test_somebody_without_an_account_is_given_credits(staff_client: Client, carol: User) -> None:
    assert Account.objects.filter(user=carol).count() == 0
    assert adjust(staff_client, carol, 50).status_code == 302
    assert (credits.available(carol), log()) == (50, ["+50 credits: Sorry"])


def test_staff_give_credits_once(staff_client: Client, alice: User) -> None:
    for _ in range(2):
        adjust(staff_client, alice, 50)
    assert adjust(staff_client, alice, 60).status_code == 200
    assert (credits.available(alice), log()) == (150, ["+50 credits: Sorry"])


@pytest.mark.parametrize(("amount", "reason"), [(0, "x"), (-101, "x"), (10, ""), (10, "  ")])
def test_staff_cannot_give_without_reason_or_take_too_much(
    staff_client: Client, alice: User, amount: int, reason: str
) -> None:
    assert adjust(staff_client, alice, amount, reason).status_code == 200
    assert (lines(alice), log()) == ([("bonus", 100)], [])


# ---- packages ----


def test_staff_change_a_package_with_a_reason(staff_client: Client) -> None:
    fields = {"key": "mega", "name": "Mega", "credits": 9, "price_minor": 100, "currency": "CNY"}
    url = "/admin/billing/packageoverride/"
    assert staff_client.post(f"{url}add/", {**fields, "is_active": "on"}).status_code == 200
    unknown = {**fields, "currency": "GBP", "is_active": "on", "reason": "Spring"}
    assert staff_client.post(f"{url}add/", unknown).status_code == 200
    assert "mega" not in packages.on_sale()
    staff_client.post(f"{url}add/", {**fields, "is_active": "on", "reason": "Spring"})
    assert packages.get("mega").credits == 9
    staff_client.post(f"{url}mega/change/", {**fields, "credits": 10, "reason": "Kinder"})
    assert "mega" not in packages.on_sale()
    assert log()[1:] == ["credits 10, is_active False: Kinder"]
    assert log()[0].endswith(": Spring")


def test_staff_cannot_delete_a_package(staff_client: Client) -> None:
    assert staff_client.post("/admin/billing/packageoverride/mega/delete/").status_code in {
        302,
        403,
    }


# ---- the log ----


def test_the_log_can_be_read_and_not_written(staff_client: Client, alice: User) -> None:
    adjust(staff_client, alice, 50)
    shown = staff_client.get("/admin/admin/logentry/")
    assert "+50 credits: Sorry" in shown.content.decode()
    entry = LogEntry.objects.get()
    for word in ("change", "delete"):
        staff_client.post(f"/admin/admin/logentry/{entry.pk}/{word}/", {"change_message": "x"})
    assert staff_client.post("/admin/admin/logentry/add/").status_code == 403
    assert log() == ["+50 credits: Sorry"]


@pytest.mark.parametrize("model", ["account", "entry", "payment", "stripeevent", "auditrun"])
def test_every_list_opens_and_nothing_can_be_added(
    staff_client: Client, doubtful: Payment, model: str
) -> None:
    AuditRun.objects.create(run_at=doubtful.created_at, accounts=1, entries=0, videos=0, payments=0)
    assert Account.objects.count() > 0
    assert staff_client.get(f"/admin/billing/{model}/").status_code == 200
    assert staff_client.post(f"/admin/billing/{model}/add/").status_code == 403


def test_the_lists_have_proper_names(staff_client: Client) -> None:
    text = staff_client.get("/admin/").content.decode()
    assert "Entrys" not in text
    assert "Ledger entries" in text
