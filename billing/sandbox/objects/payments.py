"""PaymentIntents and charges, with every key of the API.

Source: the annotations of stripe-python 16.1.0, API version 2026-10-28.endive.
"""

import secrets
import time

from billing.sandbox.database import Json, new_id

CARD = {"brand": "visa", "country": "US", "funding": "credit", "last4": "4242", "network": "visa"}


def new_payment_intent(session: Json, data: Json, method: str) -> Json:
    """Return the PaymentIntent of a session before the first attempt to pay."""
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "allowed_payment_method_types": session["allowed_payment_method_types"],
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": data.get("capture_method", "automatic_async"),
        "client_secret": f"{intent_id}_secret_{secrets.token_hex(12)}",
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": session["currency"],
        "customer": None,
        "customer_account": None,
        "description": data.get("description"),
        "excluded_payment_method_types": session["excluded_payment_method_types"],
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": data.get("metadata", {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": new_id("pm"),
        "payment_method_configuration_details": None,
        "payment_method_options": session["payment_method_options"],
        "payment_method_types": sorted({*session["payment_method_types"], method}),
        "processing": None,
        "receipt_email": data.get("receipt_email"),
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": data.get("statement_descriptor"),
        "statement_descriptor_suffix": data.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def new_charge(intent: Json, method: str, email: str | None) -> Json:
    """Return a pending charge of an intent."""
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {
        "id": new_id("ch" if method == "card" else "py"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {
            "address": address,
            "email": email,
            "name": None,
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": "FIRSTLIGHT SANDBOX" if method == "card" else None,
        "captured": False,
        "created": int(time.time()),
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "fraud_details": {},
        "livemode": False,
        # Metadata of the intent is copied to its charge.
        "metadata": intent["metadata"],
        "on_behalf_of": None,
        "outcome": None,
        "paid": False,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {"type": method, method: _method_details(method)},
        "radar_options": {},
        "receipt_email": intent["receipt_email"],
        "receipt_number": None,
        "receipt_url": None,
        "refunded": False,
        "review": None,
        "shipping": None,
        "source": None,
        "source_transfer": None,
        "statement_descriptor": intent["statement_descriptor"],
        "statement_descriptor_suffix": intent["statement_descriptor_suffix"],
        "status": "pending",
        "transfer_data": None,
        "transfer_group": None,
    }


def _method_details(method: str) -> Json:
    if method == "card":
        checks = ("address_line1_check", "address_postal_code_check", "cvc_check")
        return {
            **CARD,
            "authorization_code": None,
            "checks": dict.fromkeys(checks, "pass"),
            "exp_month": 12,
            "exp_year": time.gmtime().tm_year + 3,
            "fingerprint": "sandboxcard4242x",
            "installments": None,
            "mandate": None,
            "network_transaction_id": secrets.token_hex(8),
            "three_d_secure": None,
            "wallet": None,
        }
    if method == "alipay":
        fingerprint = "sandboxalipay001"
        return {"buyer_id": "2088000000000001", "fingerprint": fingerprint, "transaction_id": None}
    if method == "wechat_pay":
        return {"fingerprint": "sandboxwechat001", "transaction_id": None}
    return {}


def charge_outcome(*, succeeded: bool) -> Json:
    message = "Payment complete." if succeeded else "The bank declined the payment."
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network" if succeeded else "declined_by_network",
        "reason": None if succeeded else "generic_decline",
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": message,
        "type": "authorized" if succeeded else "issuer_declined",
    }
