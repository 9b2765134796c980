"""A merchant of the sandbox Stripe on a real port: SDK client, browser, webhook endpoint."""

import functools
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, cast

import httpx2
import stripe
from django.conf import LazySettings
from django.core.asgi import get_asgi_application
from django.test import Client, override_settings
from django.urls import path, re_path

from billing.sandbox import database, webhooks
from billing.sandbox.api import views
from billing.sandbox.web import checkout_page, dashboard
from tests.conftest import ServerThread

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
def server() -> ServerThread:
    """Start one server for this process with only the sandbox Stripe."""
    with override_settings(MIDDLEWARE=[], ROOT_URLCONF=__name__):
        serving = ServerThread(cast(Any, get_asgi_application()))
    return serving.__enter__()


class Received(NamedTuple):
    signature: str
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


class Receiver:
    """A webhook endpoint that answers `status` and records what it receives."""

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


class Merchant:
    """The SDK's client, a browser and a webhook endpoint."""

    def __init__(self, settings: LazySettings, directory: Path) -> None:
        settings.ROOT_URLCONF = __name__
        settings.MIDDLEWARE = []
        settings.SANDBOX_DIR = directory
        settings.SANDBOX_SPEED = 0.0
        settings.STRIPE_SECRET_KEY = KEY
        settings.STRIPE_WEBHOOK_SECRET = SECRET
        self.receiver = Receiver()
        settings.SANDBOX_STRIPE_WEBHOOK_URL = self.receiver.url
        settings.BASE_URL = server().url
        self.url = f"{settings.BASE_URL}/sandbox/stripe"
        self.client = self.sdk(2)
        self.v1 = self.client.v1
        self.browser = Client()

    def sdk(self, retries: int, key: str = KEY) -> stripe.StripeClient:
        return stripe.StripeClient(
            key, base_addresses={"api": self.url}, max_network_retries=retries
        )

    def session_parameters(self, **fields: Any) -> dict[str, Any]:
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

    def create_session(self, **fields: Any) -> stripe.checkout.Session:
        return self.v1.checkout.sessions.create(self.session_parameters(**fields))  # type: ignore[arg-type]

    def click(self, session_id: str, action: str, **fields: str) -> Any:
        """Click a button of the checkout page."""
        fields = {"method": "card", "action": action, **fields}
        return self.browser.post(f"/sandbox/stripe/c/pay/{session_id}", fields)

    def create_paid_session(self, method: str = "card", email: str = "") -> stripe.checkout.Session:
        session = self.create_session()
        assert self.click(session.id, "pay", method=method, email=email).status_code == 303
        return self.v1.checkout.sessions.retrieve(session.id)

    def click_dashboard(self, action: str, target: str, **fields: str) -> int:
        """Click a button of the dashboard and return the status."""
        fields = {"action": action, "target": target, **fields}
        return self.browser.post("/sandbox/stripe/dashboard", fields).status_code

    def intent(self, session: stripe.checkout.Session) -> stripe.PaymentIntent:
        return self.v1.payment_intents.retrieve(str(session.payment_intent))

    def charge(self, session: stripe.checkout.Session) -> stripe.Charge:
        return self.v1.charges.retrieve(str(self.intent(session).latest_charge))

    def deliver(self) -> list[str]:
        """Deliver everything that is due and return the types of the events received."""
        before = len(self.receiver.received)
        while webhooks.deliver_due():
            pass
        return self.receiver.types()[before:]


def request(merchant: Merchant, method: str, path: str, **options: Any) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {KEY}", **options.pop("headers", {})}
    return httpx2.request(method, merchant.url + path, headers=headers, timeout=30, **options)


def make_older(object_id: str, seconds: float) -> None:
    """Make a session and its timer older by `seconds`."""
    with database.writing() as db:
        body = db.find_any(object_id)
        assert body is not None
        body["created"] -= int(seconds)
        body["expires_at"] -= int(seconds)
        db.save(body)
        db.connection.execute(
            "UPDATE timer SET due_at = due_at - ? WHERE object_id = ?", (seconds, object_id)
        )
