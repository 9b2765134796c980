"""Refunds: pending -> succeeded, at once for cards and later for wallets -> sometimes failed."""

import time

from billing.sandbox import lists, objects
from billing.sandbox.database import Books, Json, new_id, pace
from billing.sandbox.request_parsing import Refused

WALLET_SECONDS = 5.0
FAIL_SECONDS = 5.0


def create(books: Books, order: Json) -> Json:
    """Give back `amount`, or the rest, of a charge.

    Raises Refused when there is no such charge, it was disputed, or less than that is left.
    """
    charge = _charge(books, order)
    left = charge["amount"] - charge["amount_refunded"]
    if left <= 0:
        raise Refused(
            400,
            f"Charge {charge['id']} has already been refunded.",
            code="charge_already_refunded",
            executed=True,
        )
    amount = order.get("amount", left)
    if amount > left:
        raise Refused(
            400,
            f"Refund amount ({_money(amount, charge)}) is greater than unrefunded amount on "
            f"charge ({_money(left, charge)})",
            param="amount",
            executed=True,
        )
    refund = books.add(objects.refund(order, charge, amount), parent=charge["payment_intent"])
    at_once = charge["payment_method_details"]["type"] == "card"
    if at_once:
        refund |= {"status": "succeeded", "pending_reason": None}
        books.save(refund)
    else:
        books.schedule("refund.succeed", refund["id"], time.time() + WALLET_SECONDS * pace())
    books.record("refund.created", refund)
    before = {name: charge[name] for name in ("amount_refunded", "refunded")}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    changed = {name: value for name, value in before.items() if charge[name] != value}
    books.record("charge.refunded", books.save(charge), changed)
    if at_once:
        _doom(books, refund)
    return refund


def _charge(books: Books, order: Json) -> Json:
    if ("charge" in order) == ("payment_intent" in order):
        raise Refused(
            400, "One of the following params should be provided: payment_intent or charge."
        )
    if "charge" in order:
        charge = books.find("charge", order["charge"])
        if charge is None:
            raise lists.missing("charge", order["charge"], "charge")
    else:
        intent = books.find("payment_intent", order["payment_intent"])
        if intent is None:
            raise lists.missing("payment_intent", order["payment_intent"], "payment_intent")
        charge = books.find("charge", intent["latest_charge"] or "")
    if charge is None or not charge["paid"]:
        raise Refused(
            400, "This PaymentIntent does not have a successful charge to refund.", executed=True
        )
    if any(not each["is_charge_refundable"] for each in _disputes(books, charge)):
        raise Refused(
            400,
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
            executed=True,
        )
    return charge


def _disputes(books: Books, charge: Json) -> list[Json]:
    return books.children("dispute", charge["payment_intent"])


def _money(amount: int, charge: Json) -> str:
    return f"{amount / 100:.2f} {charge['currency'].upper()}"


def _doom(books: Books, refund: Json) -> None:
    if "refundfail" in books.traits(refund["payment_intent"]):
        books.schedule("refund.fail", refund["id"], time.time() + FAIL_SECONDS * pace())


def succeed(books: Books, refund_id: str) -> None:
    refund = books.get("refund", refund_id)
    if refund["status"] != "pending":
        return
    before = {name: refund[name] for name in ("status", "pending_reason")}
    refund |= {"status": "succeeded", "pending_reason": None}
    books.save(refund)
    for type_ in ("refund.updated", "charge.refund.updated"):
        books.record(type_, refund, before)
    _doom(books, refund)


def fail(books: Books, refund_id: str) -> None:
    """Let a refund fail, even one that had succeeded: the charge keeps the money again."""
    refund = books.get("refund", refund_id)
    if refund["status"] not in ("pending", "succeeded"):
        return
    before = {name: refund[name] for name in ("status", "pending_reason")}
    refund |= {
        "status": "failed",
        "pending_reason": None,
        "failure_reason": "lost_or_stolen_card",
        "failure_balance_transaction": new_id("txn"),
    }
    books.save(refund)
    charge = books.get("charge", refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    books.save(charge)
    for type_ in ("refund.failed", "refund.updated", "charge.refund.updated"):
        books.record(type_, refund, before)


def update(books: Books, refund_id: str, order: Json) -> Json:
    """Merge metadata; an empty value removes its key."""
    refund = books.get("refund", refund_id)
    before = {"metadata": refund["metadata"]}
    merged = {**refund["metadata"], **order.get("metadata", {})}
    refund["metadata"] = {key: value for key, value in merged.items() if value}
    books.record("refund.updated", books.save(refund), before)
    return refund
