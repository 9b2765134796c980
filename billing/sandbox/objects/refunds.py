"""Refunds, with every key of the API.

Source: the annotations of stripe-python 16.1.0, API version 2026-10-28.endive.
"""

import time

from billing.sandbox.database import Json, new_id


def new_refund(order: Json, charge: Json, amount: int) -> Json:
    """Return a pending refund of a charge; `order` holds the parameters of its creation."""
    method = charge["payment_method_details"]["type"]
    details: Json = {"type": method, method: {}}
    if method == "card":
        details = {
            "type": "card",
            "card": {
                "reference_status": "pending",
                "reference_type": "acquirer_reference_number",
                "type": "refund",
            },
        }
    return {
        "id": new_id("re" if method == "card" else "pyr"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": new_id("txn"),
        "charge": charge["id"],
        "created": int(time.time()),
        "currency": charge["currency"],
        "destination_details": details,
        "metadata": order.get("metadata", {}),
        "payment_intent": charge["payment_intent"],
        "pending_reason": "processing",
        "reason": order.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending",
        "transfer_reversal": None,
    }
