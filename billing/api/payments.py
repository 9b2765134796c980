"""/api/payments: packages, purchases and, for staff, refunds."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import money
from billing.models import Payment, Refund
from billing.payments import checkout, refunds
from billing.payments import packages as payments_packages
from billing.switch import require_billing
from config.lib.admin import staff
from config.lib.admin.model_admin import log_action
from config.lib.api.openapi import IDEMPOTENCY_KEY, errors, request_example
from config.lib.api.pagination import ListView, PageNumberPagination, PageQuerySerializer
from config.lib.api.serializers import (
    BlankAsNullField,
    PageSerializer,
    refuse_doubles,
    validated,
)
from config.lib.api.strict_fields import TextField, UUIDField
from config.lib.idempotency import RequestKey, key_of_headers
from config.lib.web.responses import user_of

REFUND_MESSAGES = {
    Refund.Status.REQUESTED: "Refund requested; the payment provider has not answered yet",
    Refund.Status.PENDING: "Refund processed successfully",
    Refund.Status.SUCCEEDED: "Refund processed successfully",
    Refund.Status.FAILED: "The payment provider refused the refund; the credits were given back",
    Refund.Status.CANCELED: "The refund was cancelled; the credits were given back",
}


class PackageSerializer(serializers.Serializer):
    """Prices are in whole units of the currency."""

    name = serializers.CharField()
    credits = serializers.IntegerField()
    price = serializers.FloatField()
    currency = serializers.CharField()
    unit_price = serializers.FloatField()


class PackagesSerializer(serializers.Serializer):
    packages = serializers.DictField(child=PackageSerializer())
    credit_value_rmb = serializers.FloatField()


class PackagesView(APIView):
    """C23: the packages of credits on sale; no sign-in is needed."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="packages",
        summary="List the packages of credits on sale",
        responses={200: PackagesSerializer, **errors(404)},
    )
    def get(self, request: Request) -> Response:
        require_billing()
        body = {
            "packages": payments_packages.on_sale(),
            "credit_value_rmb": settings.CREDIT_VALUE_RMB,
        }
        return Response(PackagesSerializer(body).data)


class CreatePaymentSerializer(serializers.Serializer):
    package = TextField(max_length=40)
    return_url = TextField(max_length=500, required=False, allow_blank=True, default="")


class NewPaymentSerializer(serializers.Serializer):
    """`payment_url` is kept after the payment has ended. Source: C25, C26."""

    payment_id = serializers.UUIDField(source="pk")
    status = serializers.ChoiceField(Payment.Status.values)
    amount = serializers.SerializerMethodField()
    currency = serializers.CharField()
    credits_purchased = serializers.IntegerField(source="credits")
    payment_url = BlankAsNullField()

    def get_amount(self, payment: Payment) -> float:
        return float(money.to_major(payment.amount_minor, payment.currency))


class PaymentSerializer(NewPaymentSerializer):
    created_at = serializers.DateTimeField()
    paid_at = serializers.DateTimeField(allow_null=True)


class PaymentsSerializer(PageSerializer):
    payments = PaymentSerializer(many=True)


class CreatePaymentView(APIView):
    """C25: begin a purchase; the buyer pays at the answer's `payment_url`."""

    scope = "billing"

    @extend_schema(
        operation_id="create_payment",
        summary="Begin a purchase of credits",
        parameters=[IDEMPOTENCY_KEY],
        request=CreatePaymentSerializer,
        responses={200: NewPaymentSerializer, **errors(400, 404, 409)},
        examples=request_example({"package": "trial"}),
    )
    def post(self, request: Request) -> Response:
        data = validated(CreatePaymentSerializer, request.data)
        key = _request_key(request, data)
        outcome = checkout.create_once(user_of(request), data["package"], data["return_url"], key)
        return Response(NewPaymentSerializer(outcome.result).data, headers=outcome.headers)


class PaymentDetailView(APIView):
    """C26: one of the user's payments."""

    @extend_schema(
        operation_id="get_payment",
        summary="Get one of your payments",
        responses={200: PaymentSerializer},
    )
    def get(self, request: Request, payment_id: UUID) -> Response:
        payment = get_object_or_404(Payment, pk=payment_id, user_id=user_of(request).pk)
        return Response(PaymentSerializer(payment).data)


@extend_schema_view(
    get=extend_schema(
        operation_id="list_payments",
        summary="List your payments, newest first",
        parameters=[PageQuerySerializer],
        responses={200: PaymentsSerializer},
    )
)
class PaymentListView(ListView):
    """The user's payments, newest first."""

    queryset = Payment.objects.none()
    query_serializer_class = PageQuerySerializer
    pagination_class = PageNumberPagination
    results_field = "payments"
    ignores_blank_parameters = False

    def get_queryset(self) -> QuerySet[Payment]:
        payments = Payment.objects.filter(user_id=user_of(self.request).pk)
        return payments.order_by("-created_at", "-pk")

    def represent(self, page: list[Payment]) -> Any:
        return PaymentSerializer(page, many=True).data


@extend_schema_field({"type": ["number", "string"], "example": "9.90"})
class AmountField(serializers.Field):
    """An amount in whole units as text; money.to_minor reads it once its currency is known."""

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, float) and data.is_integer():
            data = int(data)
        if isinstance(data, bool) or not isinstance(data, int | float | str):
            raise serializers.ValidationError("A valid number is required.", "invalid")
        return str(data)

    def to_representation(self, value: str) -> str:
        return value


class RefundQuerySerializer(serializers.Serializer):
    """`amount` is in whole units of the payment's currency; without it, all is refunded."""

    payment_id = UUIDField()
    reason = TextField(max_length=500, required=False, allow_blank=True, default="")
    amount = AmountField(required=False)


class RefundSerializer(serializers.Serializer):
    success = serializers.BooleanField()
    refund_id = serializers.CharField()
    amount = serializers.FloatField()
    credits_refunded = serializers.IntegerField()
    status = serializers.CharField()
    message = serializers.CharField()


class RefundPaymentView(APIView):
    """C28: staff refund a payment in full or in part, and its credits are clawed back."""

    scope = "billing"

    @extend_schema(
        operation_id="refund",
        summary="Refund a payment and take back its credits (staff only)",
        parameters=[RefundQuerySerializer, IDEMPOTENCY_KEY],
        request=None,
        responses={200: RefundSerializer, **errors(400, 404, 409)},
    )
    def post(self, request: Request) -> Response:
        user = user_of(request)
        staff.check(user, "billing.change_payment", "Only administrators can issue refunds")
        body = request.data if isinstance(request.data, dict) else {}
        refuse_doubles(RefundQuerySerializer, request.query_params)
        sent = {**request.query_params.dict(), **body}
        # An amount that a program lost must not become a refund of everything.
        data = validated(RefundQuerySerializer, sent, refuses_nulls=True)
        payment = get_object_or_404(Payment, pk=data["payment_id"])
        amount_minor = _amount_minor(data, payment)
        refund_request = refunds.RefundRequest(
            amount_minor, Refund.Source.API, data["reason"], user
        )
        key = _request_key(request, {**data, "amount": amount_minor})
        outcome = refunds.refund_once(payment, refund_request, key)
        refund = outcome.result
        amount = float(money.to_major(refund.amount_minor, payment.currency))
        if not outcome.is_replay:
            log_action(user, payment, f"refund of {amount} {payment.currency}", refund.reason)
        failed = refund.status in {Refund.Status.FAILED, Refund.Status.CANCELED}
        return Response(
            {
                "success": not failed,
                "refund_id": refund.stripe_id or str(refund.pk),
                "amount": amount,
                "credits_refunded": 0 if failed else refund.credits,
                "status": refund.status,
                "message": REFUND_MESSAGES[Refund.Status(refund.status)],
            },
            headers=outcome.headers,
        )


def _amount_minor(data: dict[str, Any], payment: Payment) -> int | None:
    """Return the wanted amount in minor units, None for all. Raises ValidationError."""
    if "amount" not in data:
        return None
    try:
        return money.to_minor(data["amount"], payment.currency)
    except money.InvalidAmount as error:
        raise serializers.ValidationError({"amount": str(error)}) from error


def _request_key(request: Request, data: dict[str, Any]) -> RequestKey | None:
    return key_of_headers(request.user, request.headers, request.method, request.path, data)
