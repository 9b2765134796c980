"""Refunds: pending -> succeeded, for wallets after some seconds -> failed, when asked for."""

import time

from billing.sandbox.database import Database, Json, new_id, pace
from billing.sandbox.errors import ApiError, no_such_object
from billing.sandbox.objects.refunds import new_refund

WALLET_SECONDS = 5.0
FAIL_SECONDS = 5.0


def create(db: Database, order: Json) -> Json:
    """Refund `amount` of a charge, or its unrefunded rest.

    Raises ApiError for an unknown or disputed charge, and when less than that is left.
    """
    charge = _charge(db, order)
    left = charge["amount"] - charge["amount_refunded"]
    if left <= 0:
        raise ApiError(
            400,
            f"Charge {charge['id']} has already been refunded.",
            code="charge_already_refunded",
            executed=True,
        )
    amount = order.get("amount", left)
    if amount > left:
        raise ApiError(
            400,
            f"Refund amount ({_money(amount, charge)}) is greater than unrefunded amount on "
            f"charge ({_money(left, charge)})",
            param="amount",
            executed=True,
        )
    refund = db.add(new_refund(order, charge, amount), parent=charge["payment_intent"])
    at_once = charge["payment_method_details"]["type"] == "card"
    if at_once:
        refund |= {"status": "succeeded", "pending_reason": None}
        db.save(refund)
    else:
        db.schedule("refund.succeed", refund["id"], time.time() + WALLET_SECONDS * pace())
    db.record_event("refund.created", refund)
    before = {name: charge[name] for name in ("amount_refunded", "refunded")}
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] == charge["amount"]
    changed = {name: value for name, value in before.items() if charge[name] != value}
    db.record_event("charge.refunded", db.save(charge), changed)
    if at_once:
        _schedule_failure(db, refund)
    return refund


def _charge(db: Database, order: Json) -> Json:
    if ("charge" in order) == ("payment_intent" in order):
        raise ApiError(
            400, "One of the following params should be provided: payment_intent or charge."
        )
    if "charge" in order:
        charge = db.find("charge", order["charge"])
        if charge is None:
            raise no_such_object("charge", order["charge"], "charge")
    else:
        intent = db.find("payment_intent", order["payment_intent"])
        if intent is None:
            raise no_such_object("payment_intent", order["payment_intent"], "payment_intent")
        charge = db.find("charge", intent["latest_charge"] or "")
    if charge is None or not charge["paid"]:
        raise ApiError(
            400, "This PaymentIntent does not have a successful charge to refund.", executed=True
        )
    if any(not each["is_charge_refundable"] for each in _disputes(db, charge)):
        raise ApiError(
            400,
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
            executed=True,
        )
    return charge


def _disputes(db: Database, charge: Json) -> list[Json]:
    return db.children("dispute", charge["payment_intent"])


def _money(amount: int, charge: Json) -> str:
    return f"{amount / 100:.2f} {charge['currency'].upper()}"


def _schedule_failure(db: Database, refund: Json) -> None:
    if "refundfail" in db.triggers(refund["payment_intent"]):
        db.schedule("refund.fail", refund["id"], time.time() + FAIL_SECONDS * pace())


def succeed(db: Database, refund_id: str) -> None:
    refund = db.get("refund", refund_id)
    if refund["status"] != "pending":
        return
    before = {name: refund[name] for name in ("status", "pending_reason")}
    refund |= {"status": "succeeded", "pending_reason": None}
    db.save(refund)
    for type_ in ("refund.updated", "charge.refund.updated"):
        db.record_event(type_, refund, before)
    _schedule_failure(db, refund)


def fail(db: Database, refund_id: str) -> None:
    """Let a refund fail, even one that had succeeded; the charge counts as not refunded again."""
    refund = db.get("refund", refund_id)
    if refund["status"] not in ("pending", "succeeded"):
        return
    before = {name: refund[name] for name in ("status", "pending_reason")}
    refund |= {
        "status": "failed",
        "pending_reason": None,
        "failure_reason": "lost_or_stolen_card",
        "failure_balance_transaction": new_id("txn"),
    }
    db.save(refund)
    charge = db.get("charge", refund["charge"])
    charge["amount_refunded"] -= refund["amount"]
    charge["refunded"] = False
    db.save(charge)
    for type_ in ("refund.failed", "refund.updated", "charge.refund.updated"):
        db.record_event(type_, refund, before)


def update(db: Database, refund_id: str, order: Json) -> Json:
    """Merge metadata; an empty value removes its key."""
    refund = db.get("refund", refund_id)
    before = {"metadata": refund["metadata"]}
    merged = {**refund["metadata"], **order.get("metadata", {})}
    refund["metadata"] = {key: value for key, value in merged.items() if value}
    db.record_event("refund.updated", db.save(refund), before)
    return refund
