"""/api/webhooks: what signs a client's webhooks, which were sent, and sending one again."""

from typing import Any, cast
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from videos.models import Delivery, WebhookSecret
from videos.webhooks import deliveries


class Secret(APIView):
    """The secret that signs this user's webhooks; POST changes it."""

    scope = read_scope = "account"

    def get(self, request: Request) -> Response:
        return _secret(deliveries.secret_of(_user(request)))

    def post(self, request: Request) -> Response:
        return _secret(deliveries.change_secret(_user(request)))


class DeliveriesQuery(serializers.Serializer):
    page = serializers.IntegerField(min_value=1, max_value=10_000, default=1)
    page_size = serializers.IntegerField(min_value=1, max_value=100, default=20)
    status = serializers.ChoiceField(choices=Delivery.State.choices, required=False)
    task_id = serializers.UUIDField(required=False)


class Deliveries(APIView):
    """The delivery log, newest first."""

    def get(self, request: Request) -> Response:
        query = DeliveriesQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        rows = Delivery.objects.filter(user_id=_user(request).pk).order_by("-created_at", "-pk")
        if "status" in asked:
            rows = rows.filter(state=asked["status"])
        if "task_id" in asked:
            rows = rows.filter(video_id=asked["task_id"])
        start = (asked["page"] - 1) * asked["page_size"]
        shown = rows.prefetch_related("attempts")[start : start + asked["page_size"]]
        return Response(
            {
                "deliveries": [delivery_object(row) for row in shown],
                "total": rows.count(),
                "page": asked["page"],
                "page_size": asked["page_size"],
            }
        )


class DeliveryDetail(APIView):
    """One delivery with each of its attempts."""

    def get(self, request: Request, delivery_id: UUID) -> Response:
        return Response(delivery_object(_own(request, delivery_id)))


class Redeliver(APIView):
    """Send one again, with the same `webhook-id`."""

    def post(self, request: Request, delivery_id: UUID) -> Response:
        deliveries.redeliver(_own(request, delivery_id))
        return Response(delivery_object(_own(request, delivery_id)))


def delivery_object(delivery: Delivery) -> dict[str, Any]:
    """A delivery as the API shows it; times in ISO, durations in milliseconds."""
    attempts = [
        {"at": tried.at, "took_ms": tried.took_ms, "code": tried.code, "error": tried.error or None}
        for tried in delivery.attempts.all()
    ]
    return {
        "id": str(delivery.pk),
        "webhook_id": f"msg_{delivery.pk.hex}",
        "task_id": str(delivery.video_id),
        "url": delivery.url,
        "status": delivery.state,
        "created_at": delivery.created_at,
        "delivered_at": delivery.delivered_at,
        "next_try_at": delivery.next_try_at,
        "attempts": attempts,
    }


def _secret(row: WebhookSecret) -> Response:
    body = {"secret": row.secret, "former_valid_until": row.former_until}
    return Response(body, headers={"Cache-Control": "no-store"})


def _own(request: Request, delivery_id: UUID) -> Delivery:
    mine = Delivery.objects.filter(user_id=_user(request).pk).prefetch_related("attempts")
    return get_object_or_404(mine, pk=delivery_id)


def _user(request: Request) -> AbstractBaseUser:
    return cast("AbstractBaseUser", request.user)
