"""/api/webhooks: the secret that signs a user's webhooks, their deliveries, and redelivery."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib.api.openapi import errors, request_example
from config.lib.api.pagination import ListView, PageNumberPagination, PageQuerySerializer
from config.lib.api.serializers import BlankAsNullField, PageSerializer, validated
from config.lib.api.strict_fields import UUIDField
from config.lib.web.responses import user_of
from videos.models import WebhookDelivery, WebhookSecret
from videos.webhooks import deliveries as webhooks_deliveries
from videos.webhooks import signing


class WebhookSecretSerializer(serializers.Serializer):
    """`former_valid_until` is when the secret before this one stops signing too."""

    secret = serializers.CharField()
    former_valid_until = serializers.DateTimeField(source="former_until", allow_null=True)


class WebhookSecretView(APIView):
    """The secret that signs this user's webhooks; POST replaces it."""

    scope = read_scope = "account"

    @extend_schema(
        operation_id="webhook_secret",
        summary="Get the secret that signs your webhooks",
        responses={200: WebhookSecretSerializer},
    )
    def get(self, request: Request) -> Response:
        return _secret_response(signing.secret_of(user_of(request)))

    @extend_schema(
        operation_id="change_webhook_secret",
        summary="Replace the secret that signs your webhooks",
        request=None,
        responses={200: WebhookSecretSerializer},
    )
    def post(self, request: Request) -> Response:
        return _secret_response(signing.change_secret(user_of(request)))


def _secret_response(secret: WebhookSecret) -> Response:
    body = WebhookSecretSerializer(secret).data
    return Response(body, headers={"Cache-Control": "no-store"})


class DeliveryAttemptSerializer(serializers.Serializer):
    """`code` is the HTTP status that the client's server answered."""

    at = serializers.DateTimeField()
    took_ms = serializers.IntegerField()
    code = serializers.IntegerField(allow_null=True)
    error = BlankAsNullField()


class DeliverySerializer(serializers.Serializer):
    id = serializers.UUIDField()
    webhook_id = serializers.SerializerMethodField()
    task_id = serializers.UUIDField(source="video_id")
    endpoint_id = serializers.UUIDField(
        allow_null=True, help_text="Null for the `webhook_url` of an order."
    )
    url = BlankAsNullField()
    status = serializers.ChoiceField(WebhookDelivery.State.values, source="state")
    created_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)
    acknowledged_at = serializers.DateTimeField(
        allow_null=True, help_text="When you acknowledged it; null if we delivered it."
    )
    next_try_at = serializers.DateTimeField(allow_null=True)
    attempts = DeliveryAttemptSerializer(many=True)

    def get_webhook_id(self, delivery: WebhookDelivery) -> str:
        return webhooks_deliveries.message_id_of(delivery)


class DeliveriesSerializer(PageSerializer):
    deliveries = DeliverySerializer(many=True)


class DeliveryQuerySerializer(PageQuerySerializer):
    status = serializers.ChoiceField(choices=WebhookDelivery.State.choices, required=False)
    task_id = UUIDField(required=False)
    endpoint_id = UUIDField(required=False)


@extend_schema_view(
    get=extend_schema(
        operation_id="list_deliveries",
        summary="List the deliveries of your webhooks, newest first",
        parameters=[DeliveryQuerySerializer],
        responses={200: DeliveriesSerializer},
    )
)
class DeliveryListView(ListView):
    """The user's deliveries, newest first."""

    queryset = WebhookDelivery.objects.none()
    query_serializer_class = DeliveryQuerySerializer
    pagination_class = PageNumberPagination
    results_field = "deliveries"
    results_first = True

    def get_queryset(self) -> QuerySet[WebhookDelivery]:
        rows = _own_deliveries(self.request).order_by("-created_at", "-pk")
        if "status" in self.query:
            rows = rows.filter(state=self.query["status"])
        if "task_id" in self.query:
            rows = rows.filter(video_id=self.query["task_id"])
        if "endpoint_id" in self.query:
            rows = rows.filter(endpoint_id=self.query["endpoint_id"])
        return rows

    def represent(self, page: list[WebhookDelivery]) -> Any:
        return DeliverySerializer(page, many=True).data


class DeliveryDetailView(APIView):
    """One delivery with its attempts."""

    @extend_schema(
        operation_id="get_delivery",
        summary="Get one delivery with its attempts",
        responses={200: DeliverySerializer},
    )
    def get(self, request: Request, delivery_id: UUID) -> Response:
        delivery = get_object_or_404(_own_deliveries(request), pk=delivery_id)
        return Response(DeliverySerializer(delivery).data)


class RedeliverView(APIView):
    """Send a webhook again with the same `webhook-id`."""

    @extend_schema(
        operation_id="redeliver",
        summary="Send a webhook again",
        request=None,
        responses={200: DeliverySerializer, **errors(400)},
    )
    def post(self, request: Request, delivery_id: UUID) -> Response:
        own = _own_deliveries(request)
        webhooks_deliveries.redeliver(get_object_or_404(own, pk=delivery_id))
        return Response(DeliverySerializer(get_object_or_404(own, pk=delivery_id)).data)


class RedeliverManySerializer(serializers.Serializer):
    """Either `ids`, or a `status` and perhaps the time from which on they were created."""

    ids = serializers.ListField(
        child=UUIDField(),
        required=False,
        allow_empty=False,
        max_length=webhooks_deliveries.REDELIVERED_AT_ONCE,
        help_text="Each the `id` of a delivery.",
    )
    status = serializers.ChoiceField(["delivered", "failed", "blocked"], required=False)
    since = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("status" in attrs) or ("since" in attrs and "ids" in attrs):
            raise serializers.ValidationError("Send either ids, or a status and perhaps since.")
        return attrs


class RedeliveredSerializer(serializers.Serializer):
    redelivered = serializers.IntegerField(
        help_text="How many are being sent again; call again while it is 100."
    )


class RedeliverManyView(APIView):
    """Send many webhooks again, oldest first, at most 100 at once."""

    @extend_schema(
        operation_id="redeliver_many",
        summary="Send many webhooks again",
        request=RedeliverManySerializer,
        responses={200: RedeliveredSerializer},
        examples=request_example({"status": "failed", "since": "2026-11-29T00:00:00Z"}),
    )
    def post(self, request: Request) -> Response:
        asked = validated(RedeliverManySerializer, request.data)
        rows = WebhookDelivery.objects.filter(user_id=user_of(request).pk)
        if "ids" in asked:
            rows = rows.filter(pk__in=asked["ids"])
        else:
            rows = rows.filter(state=asked["status"])
        if "since" in asked:
            rows = rows.filter(created_at__gte=asked["since"])
        return Response({"redelivered": webhooks_deliveries.redeliver_all(rows)})


def _own_deliveries(request: Request) -> QuerySet[WebhookDelivery]:
    rows = WebhookDelivery.objects.filter(user_id=user_of(request).pk)
    return rows.select_related("video", "endpoint").prefetch_related("attempts")
