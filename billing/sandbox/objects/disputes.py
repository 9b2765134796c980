"""Disputes and their balance transactions, with every key of the API.

Source: the annotations of stripe-python 16.1.0, API version 2026-10-28.endive.
"""

import re
import time

from billing.sandbox.database import Json, new_id

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


def is_refundable(status: str) -> bool:
    """Tell whether a charge can be refunded while its dispute has this status."""
    return status.startswith("warning_") or status == "won"


def new_dispute(charge: Json, amount: int, status: str) -> Json:
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
        "is_charge_refundable": is_refundable(status),
        "livemode": False,
        "metadata": {},
        "network_reason_code": "10.4",
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {"card": details, "type": "card"},
        "reason": "fraudulent",
        "status": status,
    }


def new_balance_transaction(dispute: Json, amount: int, fee: int) -> Json:
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
