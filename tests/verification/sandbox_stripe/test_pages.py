"""The checkout page and the dashboard of the sandbox Stripe, in a browser without script."""

import re

import pytest
from django.conf import LazySettings
from django.test import Client

from billing.sandbox import database, faults
from tests.markup import flat
from tests.verification.sandbox_stripe.merchant import Merchant, make_older

STRICT = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; script-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DASHBOARD = "/sandbox/stripe/dashboard"


def address(session_id: str) -> str:
    return f"/sandbox/stripe/c/pay/{session_id}"


def read(merchant: Merchant, path: str, status: int = 200) -> str:
    answer = merchant.browser.get(path)
    assert answer.status_code == status
    return str(answer.content.decode())


def test_page_shows_the_payment_and_the_test_mode_when_a_session_is_open(
    merchant: Merchant,
) -> None:
    html = read(merchant, address(merchant.create_session().id))
    for words in ("Test mode", "No money moves", "¥9.90", "100 credits", "order-1"):
        assert words in html
    assert re.findall(r'name="method" value="(\w+)"', html) == ["card", "alipay", "wechat_pay"]
    assert re.findall(r'name="action" value="([\w-]+)"', html) == [
        "pay",
        "decline",
        "later",
        "later-fail",
        "expire",
    ]
    assert 'href="http://testserver/billing"' in html


def test_policy_is_strict_and_nothing_is_inline_when_a_page_is_shown(merchant: Merchant) -> None:
    session = merchant.create_paid_session()
    for path in (
        address(merchant.create_session().id),
        address(session.id),
        address("cs_none"),
        DASHBOARD,
    ):
        answer = merchant.browser.get(path)
        assert answer["Content-Security-Policy"] == STRICT
        html = answer.content.decode()
        assert re.findall(r"<script|<style|style=|\son\w+=|javascript:", html) == []
    away = merchant.create_session(success_url="https://merchant.example/paid")
    policy = merchant.browser.get(address(away.id))["Content-Security-Policy"]
    assert "form-action 'self' https://merchant.example;" in policy


def test_markup_is_escaped_when_the_merchant_sends_some(merchant: Merchant) -> None:
    evil = "<script>alert(1)</script>"
    session = merchant.create_session(
        client_reference_id=evil, payment_intent_data={"description": evil}
    )
    html = read(merchant, address(session.id))
    assert (html.count("<script"), html.count("&lt;script&gt;")) == (0, 2)


def test_form_is_refused_when_its_csrf_token_is_missing(
    merchant: Merchant, settings: LazySettings
) -> None:
    settings.MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
    session = merchant.create_session()
    browser = Client(enforce_csrf_checks=True)
    action = {"action": "pay", "method": "card"}
    assert browser.post(address(session.id), action).status_code == 403
    html = browser.get(address(session.id)).content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', html)
    assert len(token) == 1
    action["csrfmiddlewaretoken"] = token[0]
    assert browser.post(address(session.id), action).status_code == 303
    assert "csrfmiddlewaretoken" in browser.get(DASHBOARD).content.decode()


def test_only_allowed_methods_are_accepted_when_a_session_limits_them(merchant: Merchant) -> None:
    session = merchant.create_session(allowed_payment_method_types=["alipay", "card"])
    html = read(merchant, address(session.id))
    assert re.findall(r'name="method" value="(\w+)"', html) == ["alipay", "card"]
    assert merchant.click(session.id, "pay", method="wechat_pay").status_code == 400
    assert merchant.click(session.id, "steal").status_code == 400
    assert merchant.click(session.id, "pay", method="alipay").status_code == 303
    done = merchant.v1.checkout.sessions.retrieve(session.id)
    details = merchant.charge(done).payment_method_details
    assert details is not None
    assert details.type == "alipay"


def test_page_links_back_when_the_payer_expires_the_session(merchant: Merchant) -> None:
    session = merchant.create_session()
    html = merchant.click(session.id, "expire").content.decode()
    assert "has expired" in html
    assert 'href="http://testserver/billing"' in html
    assert "has expired" in read(merchant, address(session.id))
    assert merchant.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_page_says_expired_when_the_session_is_old(merchant: Merchant) -> None:
    session = merchant.create_session()
    make_older(session.id, 1801)
    assert "has expired" in read(merchant, address(session.id))


def test_page_links_to_the_success_url_when_the_session_is_paid(merchant: Merchant) -> None:
    session = merchant.create_paid_session()
    html = read(merchant, address(session.id))
    assert f'href="http://testserver/paid?session={session.id}"' in html
    again = merchant.click(session.id, "pay")
    assert (again.status_code, len(merchant.v1.charges.list().data)) == (303, 1)


def test_page_is_404_when_the_session_is_unknown(merchant: Merchant) -> None:
    assert "no such checkout" in read(merchant, address("cs_none"), 404)
    assert merchant.click("cs_none", "pay").status_code == 404


def test_email_is_read_only_when_the_session_has_one(merchant: Merchant) -> None:
    session = merchant.create_session(customer_email="anna@example.com")
    assert 'value="anna@example.com" readonly' in flat(merchant.browser.get(address(session.id)))
    merchant.click(session.id, "pay", email="eve@example.com")
    details = merchant.v1.checkout.sessions.retrieve(session.id).customer_details
    assert details is not None
    assert details.email == "anna@example.com"


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("cny", 1990000, "¥19,900.00"), ("jpy", 1200, "¥1,200"), ("twd", 3000, "TWD 30.00")],
)
def test_amount_is_formatted_when_shown_in_a_currency(
    merchant: Merchant, currency: str, amount: int, shown: str
) -> None:
    order = merchant.session_parameters()
    order["line_items"][0]["price_data"] |= {"currency": currency, "unit_amount": amount}
    session = merchant.v1.checkout.sessions.create(order)  # type: ignore[arg-type]
    assert f"Pay {shown}" in read(merchant, address(session.id))


def test_theme_is_set_when_the_cookie_names_one(merchant: Merchant) -> None:
    path = address(merchant.create_session().id)
    assert "data-theme" not in read(merchant, path)
    merchant.browser.cookies["theme"] = "dark"
    assert '<html lang="en" data-theme="dark">' in read(merchant, path)
    merchant.browser.cookies["theme"] = '"><script>'
    assert "data-theme" not in read(merchant, path)


def test_dashboard_says_what_to_do_when_there_are_no_payments(merchant: Merchant) -> None:
    assert "No payment yet" in read(merchant, DASHBOARD)


def test_dashboard_shows_refunds_disputes_and_events_when_a_payment_has_them(
    merchant: Merchant,
) -> None:
    session = merchant.create_paid_session()
    merchant.deliver()
    merchant.click_dashboard("refund", str(session.payment_intent), amount="90")
    merchant.click_dashboard("dispute", merchant.charge(session).id)
    html = read(merchant, DASHBOARD)
    for words in (
        *("¥9.90", "complete, paid", "Refund of ¥0.90", "Dispute over ¥9.00", "needs_response"),
        *("8 events", "checkout.session.completed", "charge.dispute.created", "waiting"),
    ):
        assert words in html


def test_dashboard_offers_no_dispute_when_a_wallet_paid(merchant: Merchant) -> None:
    merchant.create_paid_session("alipay")
    html = read(merchant, DASHBOARD)
    assert 'value="refund"' in html
    assert 'value="dispute"' not in html


@pytest.mark.parametrize(
    ("action", "target"),
    [("refund", "pi_none"), ("fail-refund", "re_none"), ("dance", "x"), ("switch", "light")],
)
def test_dashboard_shows_an_error_when_an_action_is_impossible(
    merchant: Merchant, action: str, target: str
) -> None:
    answer = merchant.browser.post(DASHBOARD, {"action": action, "target": target})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()


def test_session_expires_when_the_dashboard_expires_it(merchant: Merchant) -> None:
    session = merchant.create_session()
    assert merchant.click_dashboard("expire", session.id) == 303
    assert merchant.click_dashboard("expire", session.id) == 400
    assert merchant.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_fault_is_toggled_when_its_switch_is_pressed(merchant: Merchant) -> None:
    assert merchant.click_dashboard("switch", "twice") == 303
    with database.reading() as db:
        assert db.switches() == {"twice"}
    assert 'aria-pressed="true"' in read(merchant, DASHBOARD)
    assert merchant.click_dashboard("switch", "twice") == 303
    with database.reading() as db:
        assert db.switches() == set()


def test_fault_is_queued_when_the_dashboard_adds_one(merchant: Merchant) -> None:
    assert merchant.click_dashboard("fault", "", route="refunds", kind="429") == 303
    assert merchant.click_dashboard("fault", "", route="refunds", kind="fire") == 400
    with database.reading() as db:
        assert faults.pending(db) == [("refunds", "429")]
