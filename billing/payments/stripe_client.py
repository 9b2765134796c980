"""The calls to Stripe's API, and the check of its events; the sandbox only has another address.

Every call goes over the network, with a short time-out, and never inside a database transaction.

    StripeCallFailed        the call did not succeed
    ├── RequestRefused      Stripe refused it, and would refuse it again
    │   └── NotFound        Stripe has no object with that id
    └── NoAnswer            Stripe may have done it or not: repeat the call with the same key
"""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

if TYPE_CHECKING:
    import stripe

TIMEOUT_SECONDS = 15
# How far the time in the signature of an event may be from ours.
TOLERANCE_SECONDS = 300
# The year 2106; larger numbers are not timestamps in seconds.
MAX_TIMESTAMP = 2**32
PAYMENT_METHODS = ["card", "alipay", "wechat_pay"]


class StripeCallFailed(Exception):
    """A call to Stripe did not succeed."""


class RequestRefused(StripeCallFailed):
    """Stripe refused the request."""


class NotFound(RequestRefused):
    """Stripe has no object with that id in this account and mode."""


class NoAnswer(StripeCallFailed):
    """Stripe did not answer, or failed; it may have carried out the request or not."""


class InvalidEvent(Exception):
    """The request is not an event that Stripe signed, or its body cannot be read."""


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


def create_session(parameters: dict[str, Any], key: str) -> dict[str, Any]:
    """Create a Checkout Session; the same idempotency key returns the same session."""
    with _translate_errors():
        sessions = client().v1.checkout.sessions
        return _to_dict(sessions.create(parameters, {"idempotency_key": key}))  # type: ignore[arg-type]


def get_session(session_id: str) -> dict[str, Any]:
    with _translate_errors():
        return _to_dict(client().v1.checkout.sessions.retrieve(session_id))


def expire_session(session_id: str) -> dict[str, Any]:
    """End an open Checkout Session, so that it cannot be paid. Refused when it is not open."""
    with _translate_errors():
        return _to_dict(client().v1.checkout.sessions.expire(session_id))


def create_refund(parameters: dict[str, Any], key: str) -> dict[str, Any]:
    """Create a refund; the same idempotency key returns the same refund."""
    with _translate_errors():
        return _to_dict(client().v1.refunds.create(parameters, {"idempotency_key": key}))  # type: ignore[arg-type]


def list_refunds(payment_intent: str) -> list[dict[str, Any]]:
    with _translate_errors():
        page = client().v1.refunds.list({"payment_intent": payment_intent, "limit": 100})
        return [_to_dict(refund) for refund in page.data]


def list_disputes(payment_intent: str) -> tuple[list[dict[str, Any]], datetime]:
    """Return the disputes of a payment, and when Stripe answered by its own clock.

    Events carry times of that clock too, so the two can be compared when ours is wrong.
    """
    with _translate_errors():
        page = client().v1.disputes.list({"payment_intent": payment_intent, "limit": 100})
        return [_to_dict(dispute) for dispute in page.data], _answered_at(page)


def _answered_at(answer: Any) -> datetime:
    """Return the time of an answer's Date header; ours when there is none."""
    try:
        return parsedate_to_datetime(answer.last_response.headers["Date"])
    except (KeyError, TypeError, ValueError):
        return timezone.now()


def read_event(body: bytes, signature: str) -> dict[str, Any]:
    """Return the event in the body of a request that Stripe signed. Raises InvalidEvent.

    It is verified here and not by the SDK, which accepts any time in the future and raises many
    other errors for bodies of another shape. Source: Stripe, "Verify manually".
    """
    secret = settings.STRIPE_WEBHOOK_SECRET
    if not secret:
        raise InvalidEvent("no webhook secret is configured")
    timestamp, signatures = _parse_signature(signature)
    if abs(time.time() - timestamp) > TOLERANCE_SECONDS:
        raise InvalidEvent("the signature is too old, or from the future")
    expected = hmac.new(secret.encode(), b"%d." % timestamp + body, hashlib.sha256).hexdigest()
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in signatures):
        raise InvalidEvent("the signature is wrong")
    try:
        sent = json.loads(body)
        event = {name: sent[name] for name in ("id", "type", "created", "livemode", "data")}
        event["api_version"] = sent.get("api_version") or ""
        event["created"], event["livemode"] = int(event["created"]), bool(event["livemode"])
        if not _is_valid_event(event):
            raise TypeError("a field has another type or is too long")
    except (ValueError, ArithmeticError, KeyError, TypeError, RecursionError) as error:
        raise InvalidEvent(f"the body cannot be read: {error}") from error
    return event


def _is_valid_event(event: dict[str, Any]) -> bool:
    return (
        all(isinstance(event[name], str) for name in ("id", "type", "api_version"))
        and 0 < len(event["id"]) <= 255
        and 0 < len(event["type"]) <= 80
        and len(event["api_version"]) <= 40
        and 0 <= event["created"] <= MAX_TIMESTAMP
        and isinstance(event["data"]["object"], dict)
    )


def _parse_signature(header: str) -> tuple[int, list[str]]:
    """Return the time and the signatures in a Stripe-Signature header. Raises InvalidEvent."""
    pairs = [part.split("=", 1) for part in header.split(",") if "=" in part]
    timestamps = [value for name, value in pairs if name == "t" and value.isdecimal()]
    if not timestamps or len(timestamps[0]) > 12:
        raise InvalidEvent("the signature header cannot be read")
    return int(timestamps[0]), [value for name, value in pairs if name == "v1"]


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
        is_missing = error.code == "resource_missing" and error.http_status == 404
        raise (NotFound if is_missing else RequestRefused)(str(error)) from error
