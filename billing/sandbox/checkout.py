"""The life of a Checkout Session and of the payment it leads to.

open --pay--> complete, paid
 |  `--pay later--> complete, unpaid --some seconds--> paid, or failed
 |  `--declined--> open
 `--its hour, or a word--> expired
"""

import time
from typing import Literal

from billing.sandbox import objects
from billing.sandbox.database import Books, Json, new_id, pace
from billing.sandbox.request_parsing import Refused

SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 3600
TOLERANCE_SECONDS = 5
DELAY_SECONDS = 6.0
DISPUTE_SECONDS = 3.0
DELAYED_METHOD = "customer_balance"
# Words after a "+" in the payer's address, such as anna+dispute@example.com.
TRAITS = {
    "dispute": "the payer disputes the payment a few seconds later",
    "inquiry": "the payer's bank asks about the payment a few seconds later",
    "refundfail": "a refund of this payment succeeds and then fails",
    "silent": "no event of this payment is sent",
    "late": "its events are sent 30 seconds late",
    "twice": "its events are sent twice",
    "shuffled": "its events arrive in any order",
}

Outcome = Literal["pay", "decline", "later", "later-fail"]


def create(books: Books, order: Json) -> Json:
    """Open a session. Raises Refused for what only the whole order shows to be wrong."""
    items = [objects.line_item(each) for each in order["line_items"]]
    currencies = {item["currency"] for item in items}
    if not items:
        raise _wrong("line_items", "You must pass at least one line item.")
    if len(currencies) > 1:
        raise _wrong("line_items", "All line items must have the same currency.")
    session = objects.session(order, items)
    if not session["payment_method_types"]:
        raise _wrong("allowed_payment_method_types", "No payment method is left to pay with.")
    if session["amount_total"] > 99_999_999:
        raise Refused(
            400,
            "The total is too large.",
            code="amount_too_large",
            param="line_items",
        )
    _check_expiry(session)
    books.add(session)
    for item in items:
        books.add(item, parent=session["id"])
    data = {"id": f"{session['id']}.intent", **order.get("payment_intent_data", {})}
    books.add(data, kind="intent_data")
    books.schedule("session.expire", session["id"], session["expires_at"])
    return session


def _wrong(param: str, message: str) -> Refused:
    return Refused(400, message, param=param)


def _check_expiry(session: Json) -> None:
    seconds = session["expires_at"] - session["created"]
    if not SHORTEST_SECONDS - TOLERANCE_SECONDS <= seconds <= LONGEST_SECONDS + TOLERANCE_SECONDS:
        raise Refused(
            400,
            "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from "
            "Checkout Session creation.",
            param="expires_at",
        )


def expire(books: Books, session_id: str) -> Json:
    """Close an open session. Raises Refused when it is not open."""
    session = books.get("checkout.session", session_id)
    if session["status"] != "open":
        raise Refused(
            400,
            'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of `{session['status']}`.",
            executed=True,
        )
    session |= {"status": "expired", "url": None}
    books.save(session)
    if session["payment_intent"]:
        intent = books.get("payment_intent", session["payment_intent"])
        intent |= {
            "status": "canceled",
            "canceled_at": int(time.time()),
            "cancellation_reason": "expired",
        }
        books.record("payment_intent.canceled", books.save(intent))
    books.record("checkout.session.expired", session)
    return session


def pay(books: Books, session_id: str, outcome: Outcome, method: str, email: str) -> Json:
    """Try to pay a session; return it as it then is, unchanged when it is no longer open."""
    session = books.get("checkout.session", session_id)
    if session["status"] == "open" and session["expires_at"] <= time.time():
        return expire(books, session_id)
    if session["status"] != "open":
        return session
    session["customer_details"] = objects.customer(email or session["customer_email"])
    if session["payment_status"] == "no_payment_required":
        return _complete(books, session)
    if outcome in ("later", "later-fail"):
        method = DELAYED_METHOD
    intent = _intent(books, session, method, email)
    charge = objects.charge(intent, method, email or None)
    books.add(charge, parent=intent["id"])
    intent["latest_charge"] = charge["id"]
    if outcome == "decline":
        _fail(books, intent, charge)
        return books.save(session)
    if outcome == "pay":
        _succeed(books, intent, charge)
        session["payment_status"] = "paid"
        return _complete(books, session)
    intent["status"] = "processing"
    books.record("charge.pending", charge)
    books.record("payment_intent.processing", books.save(intent))
    step = "payment.succeed" if outcome == "later" else "payment.fail"
    books.schedule(step, session["id"], time.time() + DELAY_SECONDS * pace())
    return _complete(books, session)


def _intent(books: Books, session: Json, method: str, email: str) -> Json:
    """Return the session's intent: made at the first try, reused after a decline."""
    traits = set(email.partition("@")[0].split("+")[1:]) & set(TRAITS)
    if session["payment_intent"]:
        books.set_traits(session["payment_intent"], traits)
        return books.get("payment_intent", session["payment_intent"])
    data = books.get("intent_data", f"{session['id']}.intent")
    intent = books.add(objects.payment_intent(session, data, method))
    books.set_traits(intent["id"], traits)
    session["payment_intent"] = intent["id"]
    books.adopt(session["id"], intent["id"])
    books.record("payment_intent.created", intent)
    return intent


def _complete(books: Books, session: Json) -> Json:
    session |= {"status": "complete", "url": None}
    books.record("checkout.session.completed", books.save(session))
    return session


def _succeed(books: Books, intent: Json, charge: Json) -> None:
    charge |= {
        "status": "succeeded",
        "paid": True,
        "captured": True,
        "amount_captured": charge["amount"],
        "balance_transaction": new_id("txn"),
        "outcome": objects.outcome(good=True),
    }
    intent |= {
        "status": "succeeded",
        "amount_received": intent["amount"],
        "last_payment_error": None,
    }
    books.record("charge.succeeded", books.save(charge))
    books.record("payment_intent.succeeded", books.save(intent))
    for trait in {"dispute", "inquiry"} & books.traits(intent["id"]):
        books.schedule(f"{trait}.open", charge["id"], time.time() + DISPUTE_SECONDS * pace())


def _fail(books: Books, intent: Json, charge: Json) -> None:
    message = "Your card was declined."
    if charge["payment_method_details"]["type"] != "card":
        message = "The payment failed."
    charge |= {
        "status": "failed",
        "failure_code": "card_declined",
        "failure_message": message,
        "outcome": objects.outcome(good=False),
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
    books.record("charge.failed", books.save(charge))
    books.record("payment_intent.payment_failed", books.save(intent))


def settle(books: Books, session_id: str, *, good: bool) -> None:
    """End a delayed payment."""
    session = books.get("checkout.session", session_id)
    intent = books.get("payment_intent", session["payment_intent"])
    charge = books.get("charge", intent["latest_charge"])
    if intent["status"] != "processing":
        return
    if good:
        _succeed(books, intent, charge)
        session["payment_status"] = "paid"
        books.record("checkout.session.async_payment_succeeded", books.save(session))
    else:
        _fail(books, intent, charge)
        books.record("checkout.session.async_payment_failed", session)
