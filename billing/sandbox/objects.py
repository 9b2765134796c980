"""The API's JSON objects as version 2026-10-28.endive shows them, every key in place.

Source: the annotations of stripe-python 16.1.0.
"""

import secrets
import time
from typing import Any

from django.conf import settings

from billing.sandbox.database import Json, new_id

METHODS = ("card", "alipay", "wechat_pay")
CARD = {"brand": "visa", "country": "US", "funding": "credit", "last4": "4242", "network": "visa"}


def session(order: Json, items: list[Json]) -> Json:
    """Return an open Checkout Session; `order` holds the parameters of its creation."""
    session_id = f"cs_test_a1{secrets.token_hex(28)}"
    total = sum(item["amount_total"] for item in items)
    now = int(time.time())
    automatic_tax = {"enabled": False, "liability": None, "provider": None, "status": None}
    texts = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
    totals = {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}
    return {
        "id": session_id,
        "object": "checkout.session",
        "adaptive_pricing": order.get("adaptive_pricing", {"enabled": True}),
        "after_expiration": None,
        "allow_promotion_codes": None,
        "allowed_payment_method_types": order.get("allowed_payment_method_types"),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": automatic_tax,
        "billing_address_collection": order.get("billing_address_collection"),
        "branding_settings": None,
        "cancel_url": order.get("cancel_url"),
        "client_reference_id": order.get("client_reference_id"),
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": now,
        "currency": items[0]["currency"],
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": dict.fromkeys(texts),
        "customer": None,
        "customer_account": None,
        "customer_creation": "if_required",
        "customer_details": _customer(order.get("customer_email")),
        "customer_email": order.get("customer_email"),
        "discounts": [],
        "excluded_payment_method_types": order.get("excluded_payment_method_types"),
        "expires_at": order.get("expires_at", now + 24 * 3600),
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": order.get("locale"),
        "managed_payments": None,
        "metadata": order.get("metadata", {}),
        "mode": "payment",
        "name_collection": None,
        "optional_items": [],
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": None,
        "payment_method_options": _options(order.get("payment_method_options", {})),
        "payment_method_types": _methods(order),
        "payment_status": "unpaid" if total else "no_payment_required",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "presentment_details": None,
        "recovered_from": None,
        "redirect_on_completion": None,
        "return_url": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": order.get("submit_type"),
        "subscription": None,
        "success_url": order["success_url"],
        "tax_id_collection": None,
        "total_details": totals,
        "ui_mode": "hosted_page",
        "url": f"{settings.BASE_URL}/sandbox/stripe/c/pay/{session_id}",
        "wallet_options": None,
    }


def _methods(order: Json) -> list[str]:
    """Return what the page offers: the usual methods, narrowed by the order's two filters."""
    allowed = order.get("allowed_payment_method_types", METHODS)
    excluded = order.get("excluded_payment_method_types", ())
    return [method for method in allowed if method not in excluded]


def _options(options: Json) -> Json:
    card = {"request_three_d_secure": "automatic", **options.get("card", {})}
    return {**options, "card": card}


def _customer(email: str | None) -> Json | None:
    return customer(email) if email else None


def customer(email: str | None) -> Json:
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": None,
    }


def line_item(order: Json) -> Json:
    """Return one line of a session with the price made for it."""
    data, product = order["price_data"], order["price_data"]["product_data"]
    amount = data["unit_amount"] * order["quantity"]
    return {
        "id": new_id("li"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": data["currency"],
        "description": product["name"],
        "metadata": {},
        "price": {
            "id": new_id("price"),
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": int(time.time()),
            "currency": data["currency"],
            "custom_unit_amount": None,
            "livemode": False,
            "lookup_key": None,
            "metadata": {},
            "nickname": None,
            "product": new_id("prod"),
            "recurring": None,
            "tax_behavior": "unspecified",
            "tiers_mode": None,
            "transform_quantity": None,
            "type": "one_time",
            "unit_amount": data["unit_amount"],
            "unit_amount_decimal": str(data["unit_amount"]),
        },
        "quantity": order["quantity"],
    }


def payment_intent(of: Json, data: Json, method: str) -> Json:
    """Return the PaymentIntent of a session before anything was tried on it."""
    intent_id = new_id("pi")
    return {
        "id": intent_id,
        "object": "payment_intent",
        "allowed_payment_method_types": of["allowed_payment_method_types"],
        "amount": of["amount_total"],
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
        "currency": of["currency"],
        "customer": None,
        "customer_account": None,
        "description": data.get("description"),
        "excluded_payment_method_types": of["excluded_payment_method_types"],
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": data.get("metadata", {}),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": new_id("pm"),
        "payment_method_configuration_details": None,
        "payment_method_options": of["payment_method_options"],
        "payment_method_types": sorted({*of["payment_method_types"], method}),
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


def charge(intent: Json, method: str, email: str | None) -> Json:
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


def outcome(*, good: bool) -> Json:
    words = "Payment complete." if good else "The bank declined the payment."
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network" if good else "declined_by_network",
        "reason": None if good else "generic_decline",
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": words,
        "type": "authorized" if good else "issuer_declined",
    }


def refund(order: Json, of: Json, amount: int) -> Json:
    """Return a pending refund of a charge; `order` holds the parameters of its creation."""
    method = of["payment_method_details"]["type"]
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
        "charge": of["id"],
        "created": int(time.time()),
        "currency": of["currency"],
        "destination_details": details,
        "metadata": order.get("metadata", {}),
        "payment_intent": of["payment_intent"],
        "pending_reason": "processing",
        "reason": order.get("reason"),
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "pending",
        "transfer_reversal": None,
    }


def page(url: str, data: list[Json], *, has_more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
