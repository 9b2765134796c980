"""Disputes of a charge.

warning_needs_response --respond--> warning_under_review --close--> warning_closed
        `--escalate--> needs_response --respond--> under_review --win, lose--> won, lost
"""

import re
import time

from billing.sandbox.database import Books, Json, new_id

FEE = 1500
DAYS_TO_RESPOND = 9
# Every text and file of the evidence; all of them are empty here.
EVIDENCE = re.split(
    r"\s+",
    "access_activity_log billing_address cancellation_policy cancellation_policy_disclosure "
    "cancellation_rebuttal customer_communication customer_email_address customer_name "
    "customer_purchase_ip customer_signature duplicate_charge_documentation "
    "duplicate_charge_explanation duplicate_charge_id product_description receipt refund_policy "
    "refund_policy_disclosure refund_refusal_explanation service_date service_documentation "
    "shipping_address shipping_carrier shipping_date shipping_documentation "
    "shipping_tracking_number uncategorized_file uncategorized_text",
)
_OPEN = ("needs_response", "under_review")
_WARNINGS = ("warning_needs_response", "warning_under_review")
STEPS: dict[str, dict[str, str]] = {
    "respond": {"needs_response": "under_review", "warning_needs_response": "warning_under_review"},
    "win": dict.fromkeys(_OPEN, "won"),
    "lose": dict.fromkeys(_OPEN, "lost"),
    "close": dict.fromkeys(_WARNINGS, "warning_closed"),
    "escalate": dict.fromkeys(_WARNINGS, "needs_response"),
}


def open_(books: Books, charge_id: str, *, inquiry: bool = False) -> Json | None:
    """Dispute what is left of a charge, or only ask about it; None when that cannot be.

    Wallets have no disputes. Source: docs.stripe.com/payments/alipay, /wechat-pay.
    """
    charge = books.get("charge", charge_id)
    if not possible(books, charge):
        return None
    left = charge["amount"] - charge["amount_refunded"]
    dispute = _new(charge, left, "warning_needs_response" if inquiry else "needs_response")
    books.add(dispute, parent=charge["payment_intent"])
    charge["disputed"] = True
    books.save(charge)
    if not inquiry:
        _withdraw(books, dispute)
    books.record("charge.dispute.created", dispute)
    if not inquiry:
        books.record("charge.dispute.funds_withdrawn", dispute)
    return dispute


def possible(books: Books, charge: Json) -> bool:
    """Tell whether something of a charge is left to dispute and no dispute is open."""
    by_card = charge["payment_method_details"]["type"] == "card"
    left = charge["amount"] - charge["amount_refunded"]
    others = books.children("dispute", charge["payment_intent"])
    return bool(by_card and charge["paid"] and left > 0 and not any(map(steps, others)))


def steps(dispute: Json) -> list[str]:
    """Return what can happen next."""
    return [step for step, moves in STEPS.items() if dispute["status"] in moves]


def move(books: Books, dispute_id: str, step: str) -> Json:
    """Take a step if the dispute's status allows it."""
    dispute = books.get("dispute", dispute_id)
    before = dispute["status"]
    status = STEPS[step].get(before)
    if status is None:
        return dispute
    dispute |= {"status": status, "is_charge_refundable": _refundable(status)}
    if step == "respond":
        dispute["evidence_details"] |= {
            "has_evidence": True,
            "submission_count": 1,
            "submission_method": "manual",
        }
    if step == "escalate":
        dispute["payment_method_details"]["card"]["case_type"] = "chargeback"
        _withdraw(books, dispute)
    if status == "won":
        dispute["balance_transactions"].append(_transaction(dispute, dispute["amount"], -FEE))
    books.save(dispute)
    closed = status in ("won", "lost", "warning_closed")
    type_ = "charge.dispute.closed" if closed else "charge.dispute.updated"
    books.record(type_, dispute, {"status": before})
    if status == "won":
        books.record("charge.dispute.funds_reinstated", dispute)
    if step == "escalate":
        books.record("charge.dispute.funds_withdrawn", dispute)
    return dispute


def _refundable(status: str) -> bool:
    return status.startswith("warning_") or status == "won"


def _withdraw(books: Books, dispute: Json) -> None:
    dispute["balance_transactions"].append(_transaction(dispute, -dispute["amount"], FEE))
    books.save(dispute)


def _new(charge: Json, amount: int, status: str) -> Json:
    now = int(time.time())
    case = "inquiry" if status.startswith("warning_") else "chargeback"
    details = {"brand": "visa", "case_type": case, "network": "visa", "network_reason_code": "10.4"}
    return {
        "id": new_id("du"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + DAYS_TO_RESPOND * 24 * 3600,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "is_charge_refundable": _refundable(status),
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": details, "type": "card"},
        "reason": "fraudulent",
        "status": status,
    }


def _transaction(dispute: Json, amount: int, fee: int) -> Json:
    now = int(time.time())
    return {
        "id": new_id("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now,
        "balance_type": "payments",
        "created": now,
        "currency": dispute["currency"],
        "description": f"Chargeback {'withdrawal' if amount < 0 else 'reversal'}",
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [
            {
                "amount": fee,
                "application": None,
                "currency": dispute["currency"],
                "description": "Dispute fee",
                "type": "stripe_fee",
            }
        ],
        "net": amount - fee,
        "reporting_category": "dispute" if amount < 0 else "dispute_reversal",
        "source": dispute["id"],
        "status": "available",
        "type": "adjustment",
    }
