"""Checkout Sessions and their line items, with every key of the API.

Source: the annotations of stripe-python 16.1.0, API version 2026-10-28.endive.
"""

import secrets
import time

from django.conf import settings

from billing.sandbox.database import Json, new_id

METHODS = ("card", "alipay", "wechat_pay")


def new_session(order: Json, items: list[Json]) -> Json:
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
        "customer_details": _details_if_known(order.get("customer_email")),
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
        "payment_method_options": _method_options(order.get("payment_method_options", {})),
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
    """Return the methods the page offers: the default ones, narrowed by the order's filters."""
    allowed = order.get("allowed_payment_method_types", METHODS)
    excluded = order.get("excluded_payment_method_types", ())
    return [method for method in allowed if method not in excluded]


def _method_options(options: Json) -> Json:
    card = {"request_three_d_secure": "automatic", **options.get("card", {})}
    return {**options, "card": card}


def _details_if_known(email: str | None) -> Json | None:
    return customer_details(email) if email else None


def customer_details(email: str | None) -> Json:
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


def new_line_item(order: Json) -> Json:
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
