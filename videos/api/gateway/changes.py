"""New versions of a video: remix and edits, and what no engine here makes."""

from functools import partial
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from config.lib.api.openapi import IDEMPOTENCY_KEY, gateway_errors
from config.lib.api.serializers import validated
from config.lib.api.strict_fields import WholeNumberField
from config.lib.idempotency import RequestKey
from videos.api import fields
from videos.api.gateway.base import (
    GatewayView,
    OrderView,
    fields_of,
    get_own_video,
    order_once,
)
from videos.api.gateway.fields import MetadataField, VideoReferenceField
from videos.api.gateway.serializers import GatewayVideoSerializer
from videos.catalog.offers import NotOffered
from videos.jobs import orders
from videos.models import Video


class GatewayRemixSerializer(serializers.Serializer):
    """`metadata` and `webhook_url` are additions to OpenAI's API."""

    prompt = fields.prompt_field()
    metadata = MetadataField(required=False)
    webhook_url = fields.WebhookUrlField(required=False, allow_blank=True)


class GatewayEditSerializer(GatewayRemixSerializer):
    """`video` is an object with the `id` of one of your videos."""

    video = VideoReferenceField()


class GatewayExtensionSerializer(GatewayEditSerializer):
    seconds = WholeNumberField(min_value=1, max_value=600)


class NotBuilt(APIException):
    """A part of the protocol that is not built; nothing was charged."""

    status_code = 501


class _NewVersionView(OrderView):
    """POST orders a new version of a finished video."""

    def order(self, request: Request, source: Video, asked: dict[str, Any]) -> Response:
        return order_once(request, asked, partial(_remix, request, source, asked))


def _remix(
    request: Request, source: Video, asked: dict[str, Any], request_key: RequestKey | None
) -> Video:
    return orders.remix(
        source,
        asked["prompt"],
        request_key,
        fields.api_key_id_of(request),
        webhook_url=asked.get("webhook_url", ""),
        extras=orders.Extras(asked.get("metadata", {}), Video.WebhookFormat.OPENAI),
    )


class GatewayRemixView(_NewVersionView):
    """Order a new version of a completed video."""

    order_serializer = GatewayRemixSerializer

    @extend_schema(
        operation_id="gateway_remix_video",
        summary="Order a new version of a finished video",
        parameters=[IDEMPOTENCY_KEY],
        request=GatewayRemixSerializer,
        responses={200: GatewayVideoSerializer, **gateway_errors(400, 409, 503)},
    )
    def post(self, request: Request, video_id: str) -> Response:
        source = get_own_video(request, video_id)
        return self.order(request, source, self.read_order(request))


class GatewayEditsView(_NewVersionView):
    """Order a new version of the completed video that the body names: the same as a remix."""

    order_serializer = GatewayEditSerializer

    @extend_schema(
        operation_id="gateway_edit_video",
        summary="Order a new version of a finished video that the body names",
        parameters=[IDEMPOTENCY_KEY],
        request=GatewayEditSerializer,
        responses={200: GatewayVideoSerializer, **gateway_errors(400, 404, 409, 503)},
    )
    def post(self, request: Request) -> Response:
        asked = self.read_order(request)
        return self.order(request, get_own_video(request, asked["video"]), asked)


class GatewayExtensionsView(GatewayView):
    """Refuse to make a video longer, for no engine here can."""

    needs_key_and_token = True
    rate = "generate"

    @extend_schema(
        operation_id="gateway_extend_video",
        summary="Make a video longer; no model here can, so it is refused",
        request=GatewayExtensionSerializer,
        responses={**gateway_errors(400, 404)},
    )
    def post(self, request: Request) -> Response:
        asked = validated(GatewayExtensionSerializer, fields_of(request))
        source = get_own_video(request, asked["video"])
        raise NotOffered("model", f"The model '{source.ordered_model}' cannot extend videos.")


class GatewayCharactersView(GatewayView):
    """Characters are not built."""

    @extend_schema(
        operation_id="gateway_create_character",
        summary="Create a character; not built",
        responses={**gateway_errors(501)},
    )
    def post(self, request: Request) -> Response:
        raise NotBuilt("Characters are not supported by this server.")


class GatewayCharacterView(GatewayView):
    """Characters are not built."""

    @extend_schema(
        operation_id="gateway_get_character",
        summary="Get a character; not built",
        responses={**gateway_errors(501)},
    )
    def get(self, request: Request, character_id: str) -> Response:
        raise NotBuilt("Characters are not supported by this server.")
