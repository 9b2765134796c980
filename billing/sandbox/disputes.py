"""Disputes of a charge.

warning_needs_response --respond--> warning_under_review --close--> warning_closed
        `--escalate--> needs_response --respond--> under_review --win, lose--> won, lost
"""

from billing.sandbox.database import Database, Json
from billing.sandbox.objects.disputes import (
    FEE,
    is_refundable,
    new_balance_transaction,
    new_dispute,
)

_OPEN = ("needs_response", "under_review")
_WARNINGS = ("warning_needs_response", "warning_under_review")
TRANSITIONS: dict[str, dict[str, str]] = {
    "respond": {"needs_response": "under_review", "warning_needs_response": "warning_under_review"},
    "win": dict.fromkeys(_OPEN, "won"),
    "lose": dict.fromkeys(_OPEN, "lost"),
    "close": dict.fromkeys(_WARNINGS, "warning_closed"),
    "escalate": dict.fromkeys(_WARNINGS, "needs_response"),
}


def open_dispute(db: Database, charge_id: str, *, inquiry: bool = False) -> Json | None:
    """Dispute the unrefunded rest of a charge, or only inquire; None when that is impossible.

    Wallets have no disputes. Source: docs.stripe.com/payments/alipay, /wechat-pay.
    """
    charge = db.get("charge", charge_id)
    if not can_dispute(db, charge):
        return None
    left = charge["amount"] - charge["amount_refunded"]
    dispute = new_dispute(charge, left, "warning_needs_response" if inquiry else "needs_response")
    db.add(dispute, parent=charge["payment_intent"])
    charge["disputed"] = True
    db.save(charge)
    if not inquiry:
        _withdraw_funds(db, dispute)
    db.record_event("charge.dispute.created", dispute)
    if not inquiry:
        db.record_event("charge.dispute.funds_withdrawn", dispute)
    return dispute


def can_dispute(db: Database, charge: Json) -> bool:
    """Tell whether a card charge has an unrefunded rest and no open dispute."""
    by_card = charge["payment_method_details"]["type"] == "card"
    left = charge["amount"] - charge["amount_refunded"]
    others = db.children("dispute", charge["payment_intent"])
    return bool(by_card and charge["paid"] and left > 0 and not any(map(next_steps, others)))


def next_steps(dispute: Json) -> list[str]:
    """Return the names of the possible next steps."""
    return [step for step, moves in TRANSITIONS.items() if dispute["status"] in moves]


def take_step(db: Database, dispute_id: str, step: str) -> Json:
    """Take a step if the status allows it, and return the dispute."""
    dispute = db.get("dispute", dispute_id)
    before = dispute["status"]
    status = TRANSITIONS[step].get(before)
    if status is None:
        return dispute
    dispute |= {"status": status, "is_charge_refundable": is_refundable(status)}
    if step == "respond":
        dispute["evidence_details"] |= {
            "has_evidence": True,
            "submission_count": 1,
            "submission_method": "manual",
        }
    if step == "escalate":
        dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
        _withdraw_funds(db, dispute)
    if status == "won":
        dispute["balance_transactions"].append(
            new_balance_transaction(dispute, dispute["amount"], -FEE)
        )
    db.save(dispute)
    closed = status in ("won", "lost", "warning_closed")
    type_ = "charge.dispute.closed" if closed else "charge.dispute.updated"
    db.record_event(type_, dispute, {"status": before})
    if status == "won":
        db.record_event("charge.dispute.funds_reinstated", dispute)
    if step == "escalate":
        db.record_event("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _withdraw_funds(db: Database, dispute: Json) -> None:
    dispute["balance_transactions"].append(
        new_balance_transaction(dispute, -dispute["amount"], FEE)
    )
    db.save(dispute)
