"""Checkout Sessions and their payments: create, pay, expire.

open --pay--> complete, paid
 |  `--later--> complete, unpaid --after some seconds--> paid, or failed
 |  `--declined--> open
 `--its expiry, or a call--> expired
"""

import time
from typing import Literal

from billing.sandbox.database import Database, Json, new_id, pace
from billing.sandbox.errors import ApiError
from billing.sandbox.objects.payments import charge_outcome, new_charge, new_payment_intent
from billing.sandbox.objects.sessions import customer_details, new_line_item, new_session

SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 3600
TOLERANCE_SECONDS = 5
DELAY_SECONDS = 6.0
DISPUTE_SECONDS = 3.0
DELAYED_METHOD = "customer_balance"
# Trigger words after a "+" in the payer's e-mail address, such as anna+dispute@example.com.
TRIGGERS = {
    "dispute": "the payer disputes the payment after a few seconds",
    "inquiry": "the payer's bank inquires about the payment after a few seconds",
    "refundfail": "a refund of this payment succeeds and then fails",
    "silent": "no events of this payment are sent",
    "late": "its events are sent 30 seconds late",
    "twice": "its events are sent twice",
    "shuffled": "its events are sent in random order",
}

Outcome = Literal["pay", "decline", "later", "later-fail"]


def create(db: Database, order: Json) -> Json:
    """Open a session. Raises ApiError when its valid parameters contradict each other."""
    items = [new_line_item(each) for each in order["line_items"]]
    currencies = {item["currency"] for item in items}
    if not items:
        raise _invalid("line_items", "You must pass at least one line item.")
    if len(currencies) > 1:
        raise _invalid("line_items", "All line items must have the same currency.")
    session = new_session(order, items)
    if not session["payment_method_types"]:
        raise _invalid("allowed_payment_method_types", "No payment method is left to pay with.")
    if session["amount_total"] > 99_999_999:
        raise ApiError(
            400,
            "The total is too large.",
            code="amount_too_large",
            param="line_items",
        )
    _check_expiry(session)
    db.add(session)
    for item in items:
        db.add(item, parent=session["id"])
    data = {"id": f"{session['id']}.intent", **order.get("payment_intent_data", {})}
    db.add(data, kind="intent_data")
    db.schedule("session.expire", session["id"], session["expires_at"])
    return session


def _invalid(param: str, message: str) -> ApiError:
    return ApiError(400, message, param=param)


def _check_expiry(session: Json) -> None:
    seconds = session["expires_at"] - session["created"]
    if not SHORTEST_SECONDS - TOLERANCE_SECONDS <= seconds <= LONGEST_SECONDS + TOLERANCE_SECONDS:
        raise ApiError(
            400,
            "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from "
            "Checkout Session creation.",
            param="expires_at",
        )


def expire(db: Database, session_id: str) -> Json:
    """Expire an open session. Raises ApiError when it is not open."""
    session = db.get("checkout.session", session_id)
    if session["status"] != "open":
        raise ApiError(
            400,
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of `{session['status']}`.",
            executed=True,
        )
    session |= {"status": "expired", "url": None}
    db.save(session)
    if session["payment_intent"]:
        intent = db.get("payment_intent", session["payment_intent"])
        intent |= {
            "status": "canceled",
            "canceled_at": int(time.time()),
            "cancellation_reason": "expired",
        }
        db.record_event("payment_intent.canceled", db.save(intent))
    db.record_event("checkout.session.expired", session)
    return session


def pay(db: Database, session_id: str, outcome: Outcome, method: str, email: str) -> Json:
    """Pay a session with this outcome; return it, unchanged when it is no longer open."""
    session = db.get("checkout.session", session_id)
    if session["status"] == "open" and session["expires_at"] <= time.time():
        return expire(db, session_id)
    if session["status"] != "open":
        return session
    session["customer_details"] = customer_details(email or session["customer_email"])
    if session["payment_status"] == "no_payment_required":
        return _complete(db, session)
    if outcome in ("later", "later-fail"):
        method = DELAYED_METHOD
    intent = _intent(db, session, method, email)
    charge = new_charge(intent, method, email or None)
    db.add(charge, parent=intent["id"])
    intent["latest_charge"] = charge["id"]
    if outcome == "decline":
        _fail(db, intent, charge)
        return db.save(session)
    if outcome == "pay":
        _succeed(db, intent, charge)
        session["payment_status"] = "paid"
        return _complete(db, session)
    intent["status"] = "processing"
    db.record_event("charge.pending", charge)
    db.record_event("payment_intent.processing", db.save(intent))
    step = "payment.succeed" if outcome == "later" else "payment.fail"
    db.schedule(step, session["id"], time.time() + DELAY_SECONDS * pace())
    return _complete(db, session)


def _intent(db: Database, session: Json, method: str, email: str) -> Json:
    """Return the session's PaymentIntent: created at the first attempt, reused after a decline."""
    triggers = set(email.partition("@")[0].split("+")[1:]) & set(TRIGGERS)
    if session["payment_intent"]:
        db.set_triggers(session["payment_intent"], triggers)
        return db.get("payment_intent", session["payment_intent"])
    data = db.get("intent_data", f"{session['id']}.intent")
    intent = db.add(new_payment_intent(session, data, method))
    db.set_triggers(intent["id"], triggers)
    session["payment_intent"] = intent["id"]
    db.set_parent(session["id"], intent["id"])
    db.record_event("payment_intent.created", intent)
    return intent


def _complete(db: Database, session: Json) -> Json:
    session |= {"status": "complete", "url": None}
    db.record_event("checkout.session.completed", db.save(session))
    return session


def _succeed(db: Database, intent: Json, charge: Json) -> None:
    charge |= {
        "status": "succeeded",
        "paid": True,
        "captured": True,
        "amount_captured": charge["amount"],
        "balance_transaction": new_id("txn"),
        "outcome": charge_outcome(succeeded=True),
    }
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "last_payment_error": None,
    }
    db.record_event("charge.succeeded", db.save(charge))
    db.record_event("payment_intent.succeeded", db.save(intent))
    for trigger in {"dispute", "inquiry"} & db.triggers(intent["id"]):
        db.schedule(f"{trigger}.open", charge["id"], time.time() + DISPUTE_SECONDS * pace())


def _fail(db: Database, intent: Json, charge: Json) -> None:
    message = "Your card was declined."
    if charge["payment_method_details"]["type"] != "card":
        message = "The payment failed."
    charge |= {
        "status": "failed",
        "failure_code": "card_declined",
        "failure_message": message,
        "outcome": charge_outcome(succeeded=False),
    }
    intent |= {
        "status": "requires_payment_method",
        "last_payment_error": {
            "charge": charge["id"],
            "code": "card_declined",
            "decline_code": "generic_decline",
            "doc_url": "https://docs.stripe.com/error-codes#card-declined",
            "message": message,
            "type": "card_error",
        },
    }
    db.record_event("charge.failed", db.save(charge))
    db.record_event("payment_intent.payment_failed", db.save(intent))


def finish_delayed_payment(db: Database, session_id: str, *, succeeded: bool) -> None:
    """Let a delayed payment succeed or fail."""
    session = db.get("checkout.session", session_id)
    intent = db.get("payment_intent", session["payment_intent"])
    charge = db.get("charge", intent["latest_charge"])
    if intent["status"] != "processing":
        return
    if succeeded:
        _succeed(db, intent, charge)
        session["payment_status"] = "paid"
        db.record_event("checkout.session.async_payment_succeeded", db.save(session))
    else:
        _fail(db, intent, charge)
        db.record_event("checkout.session.async_payment_failed", session)
