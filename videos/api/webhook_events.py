"""/api/webhooks/events: webhooks that clients fetch and acknowledge."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib.api.openapi import request_example
from config.lib.api.serializers import validated
from config.lib.api.strict_fields import TextField, UUIDField, WholeNumberField
from config.lib.web.responses import user_of
from videos.models import WebhookDelivery, WebhookEndpoint, WebhookSecret
from videos.webhooks import deliveries, endpoints, pull, signing

MAX_EVENTS = 100


class UndeliveredSerializer(serializers.Serializer):
    webhook_id = serializers.CharField()
    type = serializers.ChoiceField(WebhookEndpoint.Event.values)
    delivery_id = serializers.UUIDField()
    endpoint_id = serializers.UUIDField(
        allow_null=True, help_text="Null for the `webhook_url` of an order."
    )
    status = serializers.ChoiceField(WebhookDelivery.State.values)
    created_at = serializers.DateTimeField()
    body = serializers.CharField(help_text="The exact body that we would send.")
    headers = serializers.DictField(
        child=serializers.CharField(), help_text="The headers that we would send, with signatures."
    )


class UndeliveredListSerializer(serializers.Serializer):
    events = UndeliveredSerializer(many=True)
    has_more = serializers.BooleanField()


class UndeliveredQuerySerializer(serializers.Serializer):
    status = serializers.ChoiceField(
        ["undelivered"], default="undelivered", help_text="Pending, failed and blocked ones."
    )
    limit = WholeNumberField(min_value=1, max_value=MAX_EVENTS, default=20)
    endpoint_id = UUIDField(required=False)


class AcknowledgeSerializer(serializers.Serializer):
    ids = serializers.ListField(
        child=TextField(max_length=60),
        allow_empty=False,
        max_length=MAX_EVENTS,
        help_text="Each a `webhook_id`.",
    )


class AcknowledgedSerializer(serializers.Serializer):
    acknowledged = serializers.ListField(child=serializers.CharField())
    unknown = serializers.ListField(child=serializers.CharField())


class UndeliveredView(APIView):
    """What no client has accepted or acknowledged yet, oldest first."""

    @extend_schema(
        operation_id="undelivered_webhooks",
        summary="Fetch the webhooks that were not delivered, oldest first",
        parameters=[UndeliveredQuerySerializer],
        responses={200: UndeliveredListSerializer},
    )
    def get(self, request: Request) -> Response:
        query = validated(UndeliveredQuerySerializer, request.query_params)
        user = user_of(request)
        rows = pull.undelivered(user)
        if "endpoint_id" in query:
            rows = rows.filter(endpoint_id=query["endpoint_id"])
        found = list(rows[: query["limit"] + 1])
        secret = signing.secret_of(user)
        events = [_represent(row, secret) for row in found[: query["limit"]]]
        return Response(
            {"events": events, "has_more": len(found) > query["limit"]},
            headers={"Cache-Control": "no-store"},
        )


class AcknowledgeView(APIView):
    """The client has these webhooks: they are delivered, and not sent any more."""

    @extend_schema(
        operation_id="acknowledge_webhooks",
        summary="Acknowledge webhooks that you fetched",
        request=AcknowledgeSerializer,
        responses={200: AcknowledgedSerializer},
        examples=request_example({"ids": ["msg_0bea85fc23da4a31b62a235392db67f3"]}),
    )
    def post(self, request: Request) -> Response:
        ids = validated(AcknowledgeSerializer, request.data)["ids"]
        done = pull.acknowledge(user_of(request), ids)
        unknown = [text for text in dict.fromkeys(ids) if text not in done]
        return Response({"acknowledged": done, "unknown": unknown})


def _represent(row: WebhookDelivery, secret: WebhookSecret) -> dict[str, Any]:
    made = deliveries.request_of(row, secret)
    return {
        "webhook_id": made.headers["webhook-id"],
        "type": endpoints.event_of(row.video),
        "delivery_id": row.pk,
        "endpoint_id": row.endpoint_id,
        "status": row.state,
        "created_at": row.created_at,
        "body": made.body.decode(),
        "headers": made.headers,
    }
