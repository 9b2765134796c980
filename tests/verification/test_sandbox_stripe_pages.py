"""The hosted checkout and the dashboard of the stand-in for Stripe, as a browser without script."""

import re

import pytest
from django.conf import LazySettings
from django.test import Client

from billing.sandbox import database, faults
from tests.markup import flat
from tests.verification.test_sandbox_stripe import Shop, age, shop

__all__ = ["shop"]

STRICT = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; script-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DASHBOARD = "/sandbox/stripe/dashboard"


def address(session_id: str) -> str:
    return f"/sandbox/stripe/c/pay/{session_id}"


def read(shop: Shop, path: str, status: int = 200) -> str:
    answer = shop.browser.get(path)
    assert answer.status_code == status
    return str(answer.content.decode())


def test_the_page_says_what_is_paid_and_that_it_is_a_test(shop: Shop) -> None:
    html = read(shop, address(shop.open().id))
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


def test_the_pages_carry_the_strict_policy_and_nothing_inline(shop: Shop) -> None:
    session = shop.paid()
    for path in (address(shop.open().id), address(session.id), address("cs_none"), DASHBOARD):
        answer = shop.browser.get(path)
        assert answer["Content-Security-Policy"] == STRICT
        html = answer.content.decode()
        assert re.findall(r"<script|<style|style=|\son\w+=|javascript:", html) == []
    away = shop.open(success_url="https://shop.example/paid")
    policy = shop.browser.get(address(away.id))["Content-Security-Policy"]
    assert "form-action 'self' https://shop.example;" in policy


def test_what_the_merchant_sent_is_shown_as_text(shop: Shop) -> None:
    evil = "<script>alert(1)</script>"
    session = shop.open(client_reference_id=evil, payment_intent_data={"description": evil})
    html = read(shop, address(session.id))
    assert (html.count("<script"), html.count("&lt;script&gt;")) == (0, 2)


def test_a_form_without_its_token_is_refused(shop: Shop, settings: LazySettings) -> None:
    settings.MIDDLEWARE = ["django.middleware.csrf.CsrfViewMiddleware"]
    session = shop.open()
    browser = Client(enforce_csrf_checks=True)
    action = {"action": "pay", "method": "card"}
    assert browser.post(address(session.id), action).status_code == 403
    html = browser.get(address(session.id)).content.decode()
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', html)
    assert len(token) == 1
    action["csrfmiddlewaretoken"] = token[0]
    assert browser.post(address(session.id), action).status_code == 303
    assert "csrfmiddlewaretoken" in browser.get(DASHBOARD).content.decode()


def test_only_the_allowed_methods_are_offered_and_taken(shop: Shop) -> None:
    session = shop.open(allowed_payment_method_types=["alipay", "card"])
    html = read(shop, address(session.id))
    assert re.findall(r'name="method" value="(\w+)"', html) == ["alipay", "card"]
    assert shop.press(session.id, "pay", method="wechat_pay").status_code == 400
    assert shop.press(session.id, "steal").status_code == 400
    assert shop.press(session.id, "pay", method="alipay").status_code == 303
    done = shop.v1.checkout.sessions.retrieve(session.id)
    details = shop.charge(done).payment_method_details
    assert details is not None
    assert details.type == "alipay"


def test_letting_it_expire_says_so_and_leads_back(shop: Shop) -> None:
    session = shop.open()
    html = shop.press(session.id, "expire").content.decode()
    assert "has expired" in html
    assert 'href="http://testserver/billing"' in html
    assert "has expired" in read(shop, address(session.id))
    assert shop.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_an_old_session_shows_that_it_has_expired(shop: Shop) -> None:
    session = shop.open()
    age(session.id, 1801)
    assert "has expired" in read(shop, address(session.id))


def test_a_paid_session_leads_back_to_the_shop(shop: Shop) -> None:
    session = shop.paid()
    html = read(shop, address(session.id))
    assert f'href="http://testserver/paid?session={session.id}"' in html
    again = shop.press(session.id, "pay")
    assert (again.status_code, len(shop.v1.charges.list().data)) == (303, 1)


def test_an_unknown_session_is_404(shop: Shop) -> None:
    assert "no such checkout" in read(shop, address("cs_none"), 404)
    assert shop.press("cs_none", "pay").status_code == 404


def test_the_address_known_before_is_kept(shop: Shop) -> None:
    session = shop.open(customer_email="anna@example.com")
    assert 'value="anna@example.com" readonly' in flat(shop.browser.get(address(session.id)))
    shop.press(session.id, "pay", email="eve@example.com")
    details = shop.v1.checkout.sessions.retrieve(session.id).customer_details
    assert details is not None
    assert details.email == "anna@example.com"


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("cny", 1990000, "¥19,900.00"), ("jpy", 1200, "¥1,200"), ("twd", 3000, "TWD 30.00")],
)
def test_an_amount_is_written_in_its_currency(
    shop: Shop, currency: str, amount: int, shown: str
) -> None:
    order = shop.order()
    order["line_items"][0]["price_data"] |= {"currency": currency, "unit_amount": amount}
    session = shop.v1.checkout.sessions.create(order)  # type: ignore[arg-type]
    assert f"Pay {shown}" in read(shop, address(session.id))


def test_the_theme_follows_the_cookie(shop: Shop) -> None:
    path = address(shop.open().id)
    assert "data-theme" not in read(shop, path)
    shop.browser.cookies["theme"] = "dark"
    assert '<html lang="en" data-theme="dark">' in read(shop, path)
    shop.browser.cookies["theme"] = '"><script>'
    assert "data-theme" not in read(shop, path)


def test_an_empty_dashboard_says_what_to_do(shop: Shop) -> None:
    assert "No payment yet" in read(shop, DASHBOARD)


def test_the_dashboard_shows_a_payment_with_all_that_came_of_it(shop: Shop) -> None:
    session = shop.paid()
    shop.deliver()
    shop.do("refund", str(session.payment_intent), amount="90")
    shop.do("dispute", shop.charge(session).id)
    html = read(shop, DASHBOARD)
    for words in (
        *("¥9.90", "complete, paid", "Refund of ¥0.90", "Dispute over ¥9.00", "needs_response"),
        *("8 events", "checkout.session.completed", "charge.dispute.created", "waiting"),
    ):
        assert words in html


def test_a_wallet_payment_offers_a_refund_but_no_dispute(shop: Shop) -> None:
    shop.paid("alipay")
    html = read(shop, DASHBOARD)
    assert 'value="refund"' in html
    assert 'value="dispute"' not in html


@pytest.mark.parametrize(
    ("action", "target"),
    [("refund", "pi_none"), ("fail-refund", "re_none"), ("dance", "x"), ("switch", "light")],
)
def test_the_dashboard_says_what_cannot_be_done(shop: Shop, action: str, target: str) -> None:
    answer = shop.browser.post(DASHBOARD, {"action": action, "target": target})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()


def test_the_dashboard_expires_a_session(shop: Shop) -> None:
    session = shop.open()
    assert shop.do("expire", session.id) == 303
    assert shop.do("expire", session.id) == 400
    assert shop.v1.checkout.sessions.retrieve(session.id).status == "expired"


def test_the_dashboard_switches_misbehaviour_on_and_off(shop: Shop) -> None:
    assert shop.do("switch", "twice") == 303
    with database.reading() as db:
        assert db.switches() == {"twice"}
    assert 'aria-pressed="true"' in read(shop, DASHBOARD)
    assert shop.do("switch", "twice") == 303
    with database.reading() as db:
        assert db.switches() == set()


def test_the_dashboard_adds_a_fault_for_the_next_call(shop: Shop) -> None:
    assert shop.do("fault", "", route="refunds", kind="429") == 303
    assert shop.do("fault", "", route="refunds", kind="fire") == 400
    with database.reading() as db:
        assert faults.pending(db) == [("refunds", "429")]
