"""/api/users/credits: what a user has, and where every credit went. /api/payments: buying more."""

from decimal import Decimal
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import money
from billing.ledger import credits
from billing.models import Entry, Payment, Refund
from billing.payments import checkout, packages
from config.lib.admin import note
from config.lib.idempotency import RequestKey, key_of_headers


class Credits(APIView):
    """C31: the balance and its totals."""

    def get(self, request: Request) -> Response:
        user = cast("AbstractBaseUser", request.user)
        now = credits.summary(user)
        return Response(
            {
                "user_id": str(user.pk),
                "credits": now.available,
                "total_earned": now.total_earned,
                "total_spent": now.total_spent,
                "total_expired": now.total_expired,
                "total_reversed": now.total_reversed,
                "credits_owed": now.owed,
                "next_expiry_at": now.next_expiry_at,
            }
        )


class PageQuery(serializers.Serializer):
    page = serializers.IntegerField(min_value=1, max_value=10_000, default=1)
    page_size = serializers.IntegerField(min_value=1, max_value=100, default=20)


class TransactionsQuery(PageQuery):
    transaction_type = serializers.CharField(max_length=40, required=False)


# A clawback is shown under a documented word, so it is found under it too; also under its own.
SHOWN_AS = {Entry.Type.REFUNDED.value: (Entry.Type.REFUNDED, Entry.Type.REVERSED)}


class Transactions(APIView):
    """C32: the history, newest first; a page past the end is empty."""

    def get(self, request: Request) -> Response:
        query = TransactionsQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        page, size = query.validated_data["page"], query.validated_data["page_size"]
        word = query.validated_data.get("transaction_type")
        types = SHOWN_AS.get(word, (word,)) if word else ()
        entries = credits.history(_user(request), *types)
        rows = entries[(page - 1) * size : page * size]
        return Response(
            {
                "total": entries.count(),
                "page": page,
                "page_size": size,
                "transactions": [transaction(row) for row in rows],
            }
        )


def transaction(entry: Entry) -> dict[str, Any]:
    """One line of the history. Source: C33; a clawback is shown as `refunded`, below zero."""
    reverses = entry.type == Entry.Type.REVERSED
    of_video = entry.reference_type == Entry.OF_VIDEO
    return {
        "id": str(entry.pk),
        "transaction_type": Entry.Type.REFUNDED.value if reverses else entry.type,
        "amount": entry.amount,
        "balance_before": entry.balance_before,
        "balance_after": entry.balance_after,
        "reference_type": entry.reference_type or None,
        "reference_id": entry.reference_id or None,
        "description": entry.description,
        "task_id": entry.reference_id if of_video else None,
        "payment_order_id": entry.reference_id
        if entry.reference_type == Entry.OF_PAYMENT
        else None,
        "created_at": entry.created_at,
        "expires_at": entry.expires_at,
        "is_expired": entry.expires_at is not None and entry.expires_at <= timezone.now(),
    }


class Packages(APIView):
    """C23: what can be bought; open to everybody."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        return Response(
            {
                "packages": {
                    package.key: {
                        "name": package.name,
                        "credits": package.credits,
                        "price": float(package.price),
                        "currency": package.currency,
                        "unit_price": float(package.unit_price),
                    }
                    for package in packages.on_sale().values()
                },
                "credit_value_rmb": float(settings.CREDIT_VALUE_RMB),
            }
        )


class CreateBody(serializers.Serializer):
    package = serializers.CharField(max_length=40)
    return_url = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class CreatePayment(APIView):
    """C25: begin a purchase; the answer's payment_url is where to pay."""

    scope = "billing"

    def post(self, request: Request) -> Response:
        body = CreateBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        outcome = checkout.create_once(
            _user(request), asked["package"], asked["return_url"], _request_key(request, asked)
        )
        return Response(payment_body(outcome.result), headers=outcome.headers)


class PaymentDetail(APIView):
    """C26: one of the asker's payments."""

    def get(self, request: Request, payment_id: UUID) -> Response:
        payment = get_object_or_404(Payment, pk=payment_id, user_id=_user(request).pk)
        return Response(
            {**payment_body(payment), "created_at": payment.created_at, "paid_at": payment.paid_at}
        )


class Payments(APIView):
    """The asker's payments, newest first; a page past the end is empty."""

    def get(self, request: Request) -> Response:
        query = PageQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        page, size = query.validated_data["page"], query.validated_data["page_size"]
        rows = Payment.objects.filter(user_id=_user(request).pk).order_by("-created_at", "-pk")
        shown = rows[(page - 1) * size : page * size]
        return Response(
            {
                "total": rows.count(),
                "page": page,
                "page_size": size,
                "payments": [
                    {**payment_body(row), "created_at": row.created_at, "paid_at": row.paid_at}
                    for row in shown
                ],
            }
        )


class RefundQuery(serializers.Serializer):
    payment_id = serializers.UUIDField()
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    amount = serializers.DecimalField(
        max_digits=12, decimal_places=2, min_value=Decimal("0.01"), required=False
    )


class RefundPayment(APIView):
    """C28: staff give money back and take its credits; in full, or in part."""

    scope = "billing"

    def post(self, request: Request) -> Response:
        user = _user(request)
        if not getattr(user, "is_staff", False):
            raise PermissionDenied("Only administrators can issue refunds")
        query = RefundQuery(data={**request.query_params.dict(), **_object(request.data)})
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        payment = get_object_or_404(Payment, pk=asked["payment_id"])
        minor = None
        if "amount" in asked:
            minor = int(asked["amount"] * money.MINOR_UNITS[payment.currency])
        order = checkout.Order(minor, Refund.Source.API, asked["reason"], user)
        key = _request_key(request, {**asked, "amount": minor})
        outcome = checkout.refund_once(payment, order, key)
        row = outcome.result
        if not outcome.is_replay:
            sum = f"{float(money.to_major(row.amount_minor, payment.currency))} {payment.currency}"
            note(user, payment, f"refund of {sum}", row.reason)
        failed = row.status in {Refund.Status.FAILED, Refund.Status.CANCELED}
        return Response(
            {
                "success": not failed,
                "refund_id": row.stripe_id or str(row.pk),
                "amount": float(money.to_major(row.amount_minor, payment.currency)),
                "credits_refunded": 0 if failed else row.credits,
                "status": row.status,
                "message": MESSAGES[Refund.Status(row.status)],
            },
            headers=outcome.headers,
        )


MESSAGES = {
    Refund.Status.REQUESTED: "Refund requested; the payment provider has not answered yet",
    Refund.Status.PENDING: "Refund processed successfully",
    Refund.Status.SUCCEEDED: "Refund processed successfully",
    Refund.Status.FAILED: "The payment provider refused the refund; the credits were given back",
    Refund.Status.CANCELED: "The refund was cancelled; the credits were given back",
}


def payment_body(payment: Payment) -> dict[str, Any]:
    """C25; `payment_url` stays when all is over, as C26 prints it."""
    return {
        "payment_id": str(payment.pk),
        "status": payment.status,
        "amount": float(money.to_major(payment.amount_minor, payment.currency)),
        "currency": payment.currency,
        "credits_purchased": payment.credits,
        "payment_url": payment.payment_url or None,
    }


def _request_key(request: Request, asked: dict[str, Any]) -> RequestKey | None:
    return key_of_headers(request.user, request.headers, request.method, request.path, asked)


def _object(data: Any) -> dict[str, Any]:
    return data if isinstance(data, dict) else {}


def _user(request: Request) -> AbstractBaseUser:
    return cast("AbstractBaseUser", request.user)
