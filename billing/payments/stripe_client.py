"""Stripe, behind a few calls; the sandbox is the same code on another address.

Every call goes over the network, with a short time-out, and never inside a database transaction.

    GatewayError        Stripe did not do it
    ├── Refused         it said no; the same will be refused again
    │   └── Unknown     it has nothing of that id
    └── NoAnswer        it may or may not have done it: ask again with the same key
"""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    import stripe

TIMEOUT_SECONDS = 15
TOLERANCE_SECONDS = 300
# The year 2106; what is above was never a time of Stripe's.
MAX_TIMESTAMP = 2**32
METHODS = ["card", "alipay", "wechat_pay"]


class StripeCallFailed(Exception):
    """Stripe did not do it."""


class RequestRefused(StripeCallFailed):
    """It said no."""


class NotFound(RequestRefused):
    """It has nothing of that id, in this account and mode."""


class NoAnswer(StripeCallFailed):
    """It may or may not have done it."""


class InvalidEvent(Exception):
    """Not a genuine event, or not readable."""


@cache
def _client(key: str, base: str) -> "stripe.StripeClient":
    import stripe  # noqa: PLC0415 - half a second of CPU that most processes never need

    return stripe.StripeClient(
        key,
        base_addresses={"api": base} if base else {},
        max_network_retries=2,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
    )


def client() -> "stripe.StripeClient":
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


def create_session(order: dict[str, Any], key: str) -> dict[str, Any]:
    """A Checkout Session as a plain dict; the same `key` gives the same session."""
    with _translate_errors():
        return _to_dict(client().v1.checkout.sessions.create(order, {"idempotency_key": key}))  # type: ignore[arg-type]


def get_session(session_id: str) -> dict[str, Any]:
    with _translate_errors():
        return _to_dict(client().v1.checkout.sessions.retrieve(session_id))


def create_refund(order: dict[str, Any], key: str) -> dict[str, Any]:
    with _translate_errors():
        return _to_dict(client().v1.refunds.create(order, {"idempotency_key": key}))  # type: ignore[arg-type]


def list_refunds(payment_intent: str) -> list[dict[str, Any]]:
    with _translate_errors():
        page = client().v1.refunds.list({"payment_intent": payment_intent, "limit": 100})
        return [_to_dict(refund) for refund in page.data]


def list_disputes(payment_intent: str) -> list[dict[str, Any]]:
    with _translate_errors():
        page = client().v1.disputes.list({"payment_intent": payment_intent, "limit": 100})
        return [_to_dict(dispute) for dispute in page.data]


def read_event(body: bytes, signature: str) -> dict[str, Any]:
    """The event a genuine webhook carries.

    Raises BadEvent. Verified here and not by the SDK, which takes any time in the future and fails
    in many other ways on bodies that are not what it expects. Source: Stripe, "Verify manually".
    """
    secret = settings.STRIPE_WEBHOOK_SECRET
    if not secret:
        raise InvalidEvent("no webhook secret is configured")
    stamp, signatures = _signature(signature)
    if abs(time.time() - stamp) > TOLERANCE_SECONDS:
        raise InvalidEvent("the signature is too old, or from the future")
    expected = hmac.new(secret.encode(), b"%d." % stamp + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in signatures):
        raise InvalidEvent("the signature is wrong")
    try:
        event = json.loads(body)
        known = {name: event[name] for name in ("id", "type", "created", "livemode", "data")}
        known["api_version"] = event.get("api_version") or ""
        known["created"], known["livemode"] = int(known["created"]), bool(known["livemode"])
        if not _is_event(known):
            raise TypeError("an event of another shape")
    except (ValueError, ArithmeticError, KeyError, TypeError, RecursionError) as error:
        raise InvalidEvent(f"unreadable: {error}") from error
    return known


def _is_event(known: dict[str, Any]) -> bool:
    return (
        all(isinstance(known[name], str) for name in ("id", "type", "api_version"))
        and 0 < len(known["id"]) <= 255
        and 0 < len(known["type"]) <= 80
        and len(known["api_version"]) <= 40
        and 0 <= known["created"] <= MAX_TIMESTAMP
        and isinstance(known["data"]["object"], dict)
    )


def _signature(header: str) -> tuple[int, list[str]]:
    pairs = [part.split("=", 1) for part in header.split(",") if "=" in part]
    stamps = [value for name, value in pairs if name == "t" and value.isdecimal()]
    if not stamps or len(stamps[0]) > 12:
        raise InvalidEvent("the signature header is unreadable")
    return int(stamps[0]), [value for name, value in pairs if name == "v1"]


def _to_dict(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = answer.to_dict()
    return found


@contextmanager
def _translate_errors() -> Iterator[None]:
    import stripe  # noqa: PLC0415 - see _client

    try:
        yield
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise NoAnswer(str(error)) from error
    except stripe.StripeError as error:
        if (error.http_status or 500) >= 500 or error.http_status == 409:
            raise NoAnswer(str(error)) from error
        unknown = error.code == "resource_missing" and error.http_status == 404
        raise (NotFound if unknown else RequestRefused)(str(error)) from error
