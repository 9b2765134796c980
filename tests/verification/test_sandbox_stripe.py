"""The stand-in for Stripe, driven over real HTTP by the real SDK: sessions, and its manners."""

import functools
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, cast

import httpx2
import pytest
import stripe
from django.conf import LazySettings
from django.core.asgi import get_asgi_application
from django.test import Client, override_settings
from django.urls import path, re_path

from billing.sandbox import database, webhooks
from billing.sandbox.api import views
from billing.sandbox.web import checkout_page, dashboard
from tests.conftest import Serving
from tests.verification import stripe_shapes

V1 = "sandbox/stripe/v1/"
urlpatterns = [
    path(V1 + "checkout/sessions", views.sessions),
    path(V1 + "checkout/sessions/<str:session_id>", views.session),
    path(V1 + "checkout/sessions/<str:session_id>/expire", views.session_expire),
    path(V1 + "checkout/sessions/<str:session_id>/line_items", views.line_items),
    path(V1 + "refunds", views.refund_list),
    path(V1 + "refunds/<str:refund_id>", views.refund),
    path(V1 + "payment_intents", views.payment_intents),
    path(V1 + "payment_intents/<str:intent_id>", views.payment_intent),
    path(V1 + "charges", views.charges),
    path(V1 + "charges/<str:charge_id>", views.charge),
    path(V1 + "disputes", views.dispute_list),
    path(V1 + "disputes/<str:dispute_id>", views.dispute),
    path(V1 + "events", views.events),
    path(V1 + "events/<str:event_id>", views.event),
    re_path(r"^sandbox/stripe/v[12]/.*$", views.unknown),
    path("sandbox/stripe/c/pay/<str:session_id>", checkout_page.pay),
    path("sandbox/stripe/dashboard", dashboard.dashboard),
]

KEY, SECRET = "sk_test_sandbox", "whsec_tests_own_secret"


@functools.cache
def server() -> Serving:
    """Start one server for this process, with the stand-in and nothing else."""
    with override_settings(MIDDLEWARE=[], ROOT_URLCONF=__name__):
        serving = Serving(cast(Any, get_asgi_application()))
    return serving.__enter__()


class Received(NamedTuple):
    signature: str
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


class Receiver:
    """A webhook endpoint that answers `status` and remembers what it got."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(Received(self.headers["Stripe-Signature"], body))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def types(self) -> list[str]:
        return [each.event["type"] for each in self.received]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Shop:
    """A merchant: the SDK's client, a browser, and an endpoint for events."""

    def __init__(self, settings: LazySettings, directory: Path) -> None:
        settings.ROOT_URLCONF = __name__
        settings.MIDDLEWARE = []
        settings.SANDBOX_DIR = directory
        settings.SANDBOX_SPEED = 0.0
        settings.STRIPE_SECRET_KEY = KEY
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        self.hook = Receiver()
        settings.SANDBOX_STRIPE_WEBHOOK_URL = self.hook.url
        settings.BASE_URL = server().url
        self.url = f"{settings.BASE_URL}/sandbox/stripe"
        self.client = self.sdk(2)
        self.v1 = self.client.v1
        self.browser = Client()

    def sdk(self, retries: int, key: str = KEY) -> stripe.StripeClient:
        return stripe.StripeClient(
            key, base_addresses={"api": self.url}, max_network_retries=retries
        )

    def order(self, **fields: Any) -> dict[str, Any]:
        """Return the parameters of a checkout as the product sends them."""
        line = {
            "price_data": {
                "currency": "cny",
                "unit_amount": 990,
                "product_data": {"name": "100 credits"},
            },
            "quantity": 1,
        }
        order: dict[str, Any] = {
            "mode": "payment",
            "line_items": [line],
            "client_reference_id": "order-1",
            "metadata": {"payment_id": "order-1"},
            "payment_intent_data": {"metadata": {"payment_id": "order-1"}},
            "success_url": "http://testserver/paid?session={CHECKOUT_SESSION_ID}",
            "cancel_url": "http://testserver/billing",
            "expires_at": int(time.time()) + 1800,
            "locale": "zh",
            "adaptive_pricing": {"enabled": False},
            "allowed_payment_method_types": ["card", "alipay", "wechat_pay"],
            "payment_method_options": {"wechat_pay": {"client": "web"}},
            **fields,
        }
        return order

    def open(self, **fields: Any) -> stripe.checkout.Session:
        return self.v1.checkout.sessions.create(self.order(**fields))  # type: ignore[arg-type]

    def press(self, session_id: str, action: str, **fields: str) -> Any:
        """Press a button of the hosted page."""
        fields = {"method": "card", "action": action, **fields}
        return self.browser.post(f"/sandbox/stripe/c/pay/{session_id}", fields)

    def paid(self, method: str = "card", email: str = "") -> stripe.checkout.Session:
        session = self.open()
        assert self.press(session.id, "pay", method=method, email=email).status_code == 303
        return self.v1.checkout.sessions.retrieve(session.id)

    def do(self, action: str, target: str, **fields: str) -> int:
        """Press a button of the dashboard and return the status."""
        fields = {"action": action, "target": target, **fields}
        return self.browser.post("/sandbox/stripe/dashboard", fields).status_code

    def intent(self, session: stripe.checkout.Session) -> stripe.PaymentIntent:
        return self.v1.payment_intents.retrieve(str(session.payment_intent))

    def charge(self, session: stripe.checkout.Session) -> stripe.Charge:
        return self.v1.charges.retrieve(str(self.intent(session).latest_charge))

    def deliver(self) -> list[str]:
        """Let all time pass, deliver everything and return the types that came now."""
        before = len(self.hook.received)
        while webhooks.deliver_due():
            pass
        return self.hook.types()[before:]


@pytest.fixture
def shop(settings: LazySettings, tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(settings, tmp_path / "sandbox")
    yield shop
    shop.hook.close()


def raw(shop: Shop, method: str, path: str, **options: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {KEY}", **options.pop("headers", {})}
    return httpx2.request(method, shop.url + path, headers=headers, timeout=30, **options)


def age(thing_id: str, seconds: float) -> None:
    """Make a session and its timer older, as if that much time had passed."""
    with database.writing() as db:
        body = db.find_any(thing_id)
        assert body is not None
        body["created"] -= int(seconds)
        body["expires_at"] -= int(seconds)
        db.save(body)
        db.connection.execute(
            "UPDATE timer SET due_at = due_at - ? WHERE object_id = ?", (seconds, thing_id)
        )


def test_a_session_is_open_with_everything_it_was_ordered_with(shop: Shop) -> None:
    session = shop.open()
    assert session.url == f"{shop.url}/c/pay/{session.id}"
    assert (session.status, session.payment_status, session.ui_mode) == (
        "open",
        "unpaid",
        "hosted_page",
    )
    assert (session.amount_total, session.currency, session.locale) == (990, "cny", "zh")
    assert session.metadata is not None
    assert session.metadata.to_dict() == {"payment_id": "order-1"}
    assert session.client_reference_id == "order-1"
    assert session.payment_intent is None


def test_paying_by_card_goes_from_the_page_to_the_events(shop: Shop) -> None:
    session = shop.open()
    answer = shop.press(session.id, "pay", email="anna@example.com")
    assert (answer.status_code, answer["Location"]) == (
        303,
        f"http://testserver/paid?session={session.id}",
    )
    paid = shop.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["payment_intent.latest_charge", "line_items"]}
    )
    intent: Any = paid.payment_intent
    assert (paid.status, paid.payment_status, paid.url) == ("complete", "paid", None)
    assert (intent.status, intent.amount_received) == ("succeeded", 990)
    assert intent.metadata.to_dict() == {"payment_id": "order-1"}
    assert (intent.latest_charge.status, intent.latest_charge.captured) == ("succeeded", True)
    assert paid.line_items is not None
    assert [item.description for item in paid.line_items.data] == ["100 credits"]
    assert shop.deliver() == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]
    done = shop.hook.received[-1].event["data"]["object"]
    assert (done["id"], done["payment_status"]) == (session.id, "paid")
    assert done["client_reference_id"] == "order-1"


def test_every_answer_and_event_has_the_shape_the_sdk_declares(shop: Shop) -> None:
    assert stripe_shapes.check_params("checkout.session", shop.order()) == []
    for method in ("card", "alipay", "wechat_pay"):
        session = shop.paid(method)
        shop.v1.refunds.create({"payment_intent": str(session.payment_intent), "amount": 90})
        shop.deliver()
    for opening, steps in (("dispute", ("respond", "win")), ("inquiry", ("escalate", "lose"))):
        assert shop.do(opening, shop.charge(shop.paid()).id) == 303
        dispute = shop.v1.disputes.list().data[0]
        assert [shop.do(step, dispute.id) for step in steps] == [303, 303]
    shop.press(shop.open().id, "decline")
    for action in ("later", "later-fail", "expire"):
        shop.press(shop.open().id, action)
    shop.deliver()
    for place in (
        *("/v1/checkout/sessions", "/v1/payment_intents", "/v1/charges", "/v1/refunds"),
        *("/v1/disputes", "/v1/events"),
    ):
        listed = raw(shop, "GET", f"{place}?limit=100").json()
        assert stripe_shapes.problems(listed) == []
        one = raw(shop, "GET", f"{place}/{listed['data'][0]['id']}").json()
        assert one == listed["data"][0]
    session_id = shop.v1.checkout.sessions.list().data[0].id
    lines = raw(shop, "GET", f"/v1/checkout/sessions/{session_id}/line_items").json()
    assert stripe_shapes.problems(lines) == []
    assert [p for each in shop.hook.received for p in stripe_shapes.problems(each.event)] == []


def test_the_walker_finds_what_is_wrong(shop: Shop) -> None:
    body = raw(shop, "GET", f"/v1/checkout/sessions/{shop.open().id}").json()
    del body["created"]
    body |= {"status": "done", "amount_total": "990", "colour": "red", "livemode": None}
    assert sorted(problem.partition(":")[0] for problem in stripe_shapes.problems(body)) == [
        "checkout.session.amount_total",
        "checkout.session.colour",
        "checkout.session.created",
        "checkout.session.livemode",
        "checkout.session.status",
    ]
    wrong = shop.order(payment_method_types=["card"], curency="cny", locale="xx")
    assert len(stripe_shapes.check_params("checkout.session", wrong)) == 3


def test_a_declined_card_leaves_the_session_open(shop: Shop) -> None:
    session = shop.open()
    answer = shop.press(session.id, "decline")
    assert answer.status_code == 402
    assert "was declined" in answer.content.decode()
    again = shop.v1.checkout.sessions.retrieve(session.id)
    assert (again.status, again.payment_status) == ("open", "unpaid")
    assert shop.intent(again).status == "requires_payment_method"
    assert shop.press(session.id, "pay").status_code == 303
    assert shop.charge(shop.v1.checkout.sessions.retrieve(session.id)).status == "succeeded"
    assert shop.deliver() == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ]


@pytest.mark.parametrize(
    ("action", "status", "last"),
    [
        ("later", "paid", "checkout.session.async_payment_succeeded"),
        ("later-fail", "unpaid", "checkout.session.async_payment_failed"),
    ],
)
def test_a_delayed_payment_completes_unpaid_and_ends_later(
    shop: Shop, settings: LazySettings, action: str, status: str, last: str
) -> None:
    settings.SANDBOX_SPEED = 1.0
    session = shop.open()
    assert shop.press(session.id, action).status_code == 303
    waiting = shop.v1.checkout.sessions.retrieve(session.id)
    assert (waiting.status, waiting.payment_status) == ("complete", "unpaid")
    assert shop.deliver()[-1] == "checkout.session.completed"
    assert shop.hook.received[-1].event["data"]["object"]["payment_status"] == "unpaid"
    with database.writing() as db:
        db.connection.execute("UPDATE timer SET due_at = 0 WHERE step LIKE 'payment.%'")
    assert shop.deliver()[-1] == last
    assert shop.v1.checkout.sessions.retrieve(session.id).payment_status == status


def test_a_session_expires_by_the_clock_and_cannot_be_paid_any_more(shop: Shop) -> None:
    session = shop.open()
    age(session.id, 1801)
    answer = shop.press(session.id, "pay")
    assert answer.status_code == 409
    assert "has expired" in answer.content.decode()
    expired = shop.v1.checkout.sessions.retrieve(session.id)
    assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)
    assert shop.deliver() == ["checkout.session.expired"]
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.checkout.sessions.expire(session.id)


def test_a_session_is_expired_by_the_merchant(shop: Shop) -> None:
    session = shop.open()
    assert shop.v1.checkout.sessions.expire(session.id).status == "expired"
    assert shop.press(session.id, "pay").status_code == 409
    assert shop.deliver() == ["checkout.session.expired"]
    paid = shop.paid()
    with pytest.raises(stripe.InvalidRequestError, match="status of `complete`"):
        shop.v1.checkout.sessions.expire(paid.id)


def test_paying_twice_at_once_makes_one_payment(shop: Shop) -> None:
    session = shop.open()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shop.press(session.id, "pay").status_code, range(8)))
    assert answers == [303] * 8
    assert len(shop.v1.charges.list().data) == 1


def test_a_free_session_needs_no_payment(shop: Shop) -> None:
    order = shop.order()
    order["line_items"][0]["price_data"]["unit_amount"] = 0
    session = shop.v1.checkout.sessions.create(order)  # type: ignore[arg-type]
    assert shop.press(session.id, "pay").status_code == 303
    done = shop.v1.checkout.sessions.retrieve(session.id)
    assert (done.status, done.payment_status, done.payment_intent) == (
        "complete",
        "no_payment_required",
        None,
    )
