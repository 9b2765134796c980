"""The parameters each route takes, as of API version 2026-10-28.endive.

Parameters of the real API that the product does not use are refused as unknown; add one here when
a checkout needs it.
"""

import re

from billing.sandbox.api.readers import (
    Reader,
    boolean,
    choice,
    email,
    hash_of,
    integer,
    list_of,
    metadata,
    metadata_changes,
    removed,
    text,
    url,
)

AMOUNT_LIMIT = 99_999_999
CURRENCIES = ("cny", "usd", "eur", "gbp", "hkd", "jpy", "krw", "sgd", "twd", "aud", "cad")
METHODS = ("card", "alipay", "wechat_pay", "customer_balance")
LOCALES = re.split(
    r"\s+",
    "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms "
    "mt nb nl pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW",
)
SESSION_STATUSES = ("complete", "expired", "open")

_amount = integer(1, AMOUNT_LIMIT)
_methods = list_of(choice(*METHODS))
_expand = list_of(text(200), most=20)
_id = text(255)


def _currency(name: str, raw: object) -> str:
    return str(choice(*CURRENCIES)(name, raw.lower() if isinstance(raw, str) else raw))


CREATE_SESSION = hash_of(
    {
        "adaptive_pricing": hash_of({"enabled": boolean}),
        "allowed_payment_method_types": _methods,
        "billing_address_collection": choice("auto", "required"),
        "cancel_url": url,
        "client_reference_id": text(200),
        "customer_email": email,
        "excluded_payment_method_types": _methods,
        "expand": _expand,
        "expires_at": integer(0, 2**40),
        "line_items": list_of(
            hash_of(
                {
                    "price_data": hash_of(
                        {
                            "currency": _currency,
                            "product_data": hash_of(
                                {
                                    "name": text(1500),
                                    "description": text(40_000),
                                    "images": list_of(url, most=8),
                                    "metadata": metadata,
                                },
                                required=("name",),
                            ),
                            "unit_amount": integer(0, AMOUNT_LIMIT),
                        },
                        required=("currency", "product_data", "unit_amount"),
                    ),
                    "quantity": integer(1, 999_999),
                },
                required=("price_data", "quantity"),
            )
        ),
        "locale": choice(*LOCALES),
        "metadata": metadata,
        "mode": choice("payment"),
        "payment_intent_data": hash_of(
            {
                "capture_method": choice("automatic", "automatic_async"),
                "description": text(1000),
                "metadata": metadata,
                "receipt_email": email,
                "statement_descriptor": text(22),
                "statement_descriptor_suffix": text(22),
            }
        ),
        "payment_method_options": hash_of(
            {
                "alipay": hash_of({"setup_future_usage": choice("none")}),
                "card": hash_of(
                    {"request_three_d_secure": choice("any", "automatic", "challenge")}
                ),
                "wechat_pay": hash_of(
                    {
                        "app_id": text(5000),
                        "client": choice("android", "ios", "web"),
                        "setup_future_usage": choice("none"),
                    },
                    required=("client",),
                ),
            }
        ),
        "payment_method_types": removed(
            "payment_method_types_no_longer_supported",
            "`payment_method_types` is no longer supported on Checkout Sessions. Use "
            "`allowed_payment_method_types` or your Dashboard settings instead.",
        ),
        "submit_type": choice("auto", "book", "donate", "pay"),
        "success_url": url,
        "ui_mode": choice("hosted_page"),
    },
    required=("line_items", "mode", "success_url"),
)
CREATE_REFUND = hash_of(
    {
        "amount": _amount,
        "charge": _id,
        "expand": _expand,
        "instructions_email": email,
        "metadata": metadata,
        "payment_intent": _id,
        "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
    }
)
UPDATE = hash_of({"expand": _expand, "metadata": metadata_changes})
ONLY_EXPAND = hash_of({"expand": _expand})

_timestamp = integer(0, 2**40)
_PAGE: dict[str, Reader] = {
    "created": hash_of(dict.fromkeys(("gt", "gte", "lt", "lte"), _timestamp)),
    "ending_before": _id,
    "expand": _expand,
    "limit": integer(1, 100),
    "starting_after": _id,
}
LISTS = {
    "checkout.session": hash_of(
        {**_PAGE, "payment_intent": _id, "status": choice(*SESSION_STATUSES)}
    ),
    "refund": hash_of({**_PAGE, "charge": _id, "payment_intent": _id}),
    "payment_intent": hash_of(_PAGE),
    "charge": hash_of({**_PAGE, "payment_intent": _id}),
    "dispute": hash_of({**_PAGE, "charge": _id, "payment_intent": _id}),
    "event": hash_of({**_PAGE, "type": text(200), "types": list_of(text(200), most=20)}),
}
