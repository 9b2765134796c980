"""Checkout: begin a purchase and have Stripe create its hosted checkout page.

The payment is stored first; then Stripe is called, outside of any transaction. Repeating the call
is safe: the payment's id is the idempotency key at Stripe.
"""

import logging
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from billing.models import Payment
from billing.payments import packages, stripe_client
from billing.payments.state import record_failure, update_payment
from billing.payments.stripe_updates import merge_new_session, merge_session
from billing.switch import require_billing
from config.lib import idempotency
from config.lib.idempotency import Outcome, RequestKey

log = logging.getLogger(__name__)

# Stripe refuses a session that expires in less than 30 minutes.
MIN_SESSION_LIFETIME = timedelta(minutes=31)


class BadReturnUrl(Exception):
    """return_url is not a page of this site or of a front end in FRONTEND_ORIGINS."""


class StripeUnavailable(Exception):
    """Stripe refused or did not answer, so there is no checkout page."""


# The failure code of a payment whose account was closed before its checkout page was there.
ACCOUNT_CLOSED = "account_closed"


def create(user: AbstractBaseUser, package_key: str, return_url: str = "") -> Payment:
    """Begin a purchase without an idempotency key; see create_once."""
    return create_once(user, package_key, return_url, None).result


def create_once(
    user: AbstractBaseUser, package_key: str, return_url: str, request_key: RequestKey | None
) -> Outcome[Payment]:
    """Begin a purchase: store the payment, then have Stripe create its checkout page.

    Raises BillingOff, packages.UnknownPackage, BadReturnUrl or IdempotencyMismatch; then nothing is
    written. Raises StripeUnavailable if Stripe does not answer (the payment stays pending) or
    refuses (the payment fails).
    """
    require_billing()

    @transaction.atomic
    def begin() -> Payment:
        package = packages.get(package_key)
        check_return_url(return_url)
        now = timezone.now()
        payment = Payment.objects.create(
            user_id=user.pk,
            package=package.key,
            name=package.name,
            credits=package.credits,
            amount_minor=package.price_minor,
            currency=package.currency,
            return_url=return_url,
            tax_name=settings.TAX_NAME if settings.TAX_PERCENT else None,
            tax_percent=settings.TAX_PERCENT or None,
            created_at=now,
            session_expires_at=now + settings.CHECKOUT_LIFETIME,
        )
        idempotency.record(request_key, payment)
        return payment

    outcome = idempotency.run(request_key, begin)
    payment = outcome.result
    if payment.session_id is None:
        if not can_open(payment):
            raise StripeUnavailable(_("The payment could not be prepared."))
        payment = open_checkout(payment)
    return Outcome(payment, outcome.is_replay)


def can_open(payment: Payment) -> bool:
    """Return whether a checkout page can still be created before the payment expires."""
    in_time = timezone.now() < payment.session_expires_at - MIN_SESSION_LIFETIME
    return in_time and payment.status == Payment.Status.PENDING


def open_checkout(payment: Payment) -> Payment:
    """Have Stripe create the checkout page of a payment; repeats return the same page.

    Raises StripeUnavailable.
    """
    try:
        session = stripe_client.create_session(session_parameters(payment), f"co:{payment.pk}")
    except stripe_client.RequestRefused as error:
        log.exception("Stripe refused the checkout of payment %s", payment.pk)
        update_payment(payment.pk, lambda row: record_failure(row, "create_failed"))
        raise StripeUnavailable(_("The payment could not be prepared.")) from error
    except stripe_client.NoAnswer as error:
        raise StripeUnavailable(
            _("The payment page is not responding. Try again in a moment.")
        ) from error
    opened = update_payment(payment.pk, lambda row: merge_new_session(row, session))
    # The account may have been closed while Stripe created the page.
    return close(opened) if opened.failure_code == ACCOUNT_CLOSED else opened


def close(payment: Payment) -> Payment:
    """End the checkout of a pending payment, so that nobody pays for a closed account.

    A payment that Stripe has taken meanwhile stays; its event puts it under review.
    """
    if payment.session_id is not None:
        try:
            session = stripe_client.expire_session(payment.session_id)
        except stripe_client.RequestRefused:
            session = stripe_client.get_session(payment.session_id)
        return update_payment(payment.pk, lambda row: merge_session(row, session, timezone.now()))
    return update_payment(payment.pk, lambda row: record_failure(row, ACCOUNT_CLOSED))


def session_parameters(payment: Payment) -> dict[str, Any]:
    """Return the parameters of the Checkout Session of a payment.

    They depend on the row alone: Stripe requires that a repeated key comes with equal parameters.
    """
    back = settings.BASE_URL + reverse("checkout-return", args=[payment.pk])
    metadata = {"payment_id": str(payment.pk), "user_id": str(payment.user_id)}
    return {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": payment.currency.lower(),
                    "unit_amount": payment.amount_minor,
                    "product_data": {"name": f"{payment.name}: {payment.credits} credits"},
                },
            }
        ],
        "client_reference_id": str(payment.pk),
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "success_url": back + "?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": back + "?cancelled=1",
        "expires_at": int(payment.session_expires_at.timestamp()),
        "adaptive_pricing": {"enabled": False},
        "allowed_payment_method_types": stripe_client.PAYMENT_METHODS,
        "payment_method_options": {"wechat_pay": {"client": "web"}},
    }


def check_return_url(url: str) -> None:
    """Raise BadReturnUrl unless `url` is empty or a page of this site or of a listed front end."""
    if not url:
        return
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadReturnUrl(_("return_url cannot be read.")) from error
    origins = {settings.BASE_URL, *settings.FRONTEND_ORIGINS}
    # urlsplit silently drops some of these characters, and browsers read a backslash as a slash.
    has_unsafe_characters = any(char <= " " or char in "\\\x7f" for char in url)
    if has_unsafe_characters or f"{parts.scheme}://{parts.netloc}" not in origins:
        raise BadReturnUrl(_("return_url must be a page of this site."))
