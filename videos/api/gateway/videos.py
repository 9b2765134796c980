"""/v1/videos: list, read and delete the user's own videos, and read their files."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase, JsonResponse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from config.lib.api import envelope
from config.lib.api.openapi import IDEMPOTENCY_KEY, file_responses, gateway_errors, request_example
from config.lib.api.pagination import LimitOffsetPagination, ListView
from config.lib.api.serializers import validated
from config.lib.api.strict_fields import WholeNumberField
from config.lib.web.responses import user_of
from videos import representations
from videos.api import content, fields
from videos.api.gateway.base import GatewayView, answer_with, get_own_video
from videos.api.gateway.create import CreateVideoView, GatewayOrderSerializer
from videos.api.gateway.serializers import (
    DeletedVideoSerializer,
    GatewayVideoSerializer,
    GatewayVideosSerializer,
)
from videos.engines.base import Variant
from videos.jobs import removal
from videos.models import Video


class GatewayQuerySerializer(serializers.Serializer):
    after = fields.VideoIdField(required=False)
    limit = WholeNumberField(min_value=0, max_value=100, default=20)
    order = serializers.ChoiceField(["asc", "desc"], default="desc")


class GatewayPagination(LimitOffsetPagination):
    """`after` and `limit`; the answer names the first and the last id of the page."""

    unknown_after = "Expected the id of one of your videos."

    def get_paginated_response(self, data: Any) -> Response:
        ids = [representations.gateway_id(video.pk) for video in self.page]
        return Response(
            {
                "object": "list",
                "data": data,
                "first_id": ids[0] if ids else None,
                "last_id": ids[-1] if ids else None,
                "has_more": self.has_more,
            }
        )


@extend_schema_view(
    get=extend_schema(
        operation_id="gateway_list_videos",
        summary="List your videos, newest first",
        parameters=[GatewayQuerySerializer],
        responses={200: GatewayVideosSerializer, **gateway_errors(400)},
    ),
    post=extend_schema(
        operation_id="gateway_create_video",
        summary="Order a video",
        parameters=[IDEMPOTENCY_KEY],
        request=GatewayOrderSerializer,
        responses={200: GatewayVideoSerializer, **gateway_errors(400, 409, 503)},
        examples=request_example({"prompt": fields.EXAMPLE_PROMPT, "seconds": "8"}),
    ),
)
class GatewayVideosView(CreateVideoView, ListView):
    """Order a video, and list the user's own."""

    queryset = Video.objects.none()
    query_serializer_class = GatewayQuerySerializer
    pagination_class = GatewayPagination

    def get_queryset(self) -> QuerySet[Video]:
        return Video.objects.of(user_of(self.request))

    def rows_to_continue_after(self) -> QuerySet[Video]:
        return Video.objects.with_deleted_of(user_of(self.request))

    def represent(self, page: list[Video]) -> Any:
        return [representations.gateway_video(video) for video in page]


class GatewayVideoView(GatewayView):
    """Read or delete one video; deleting a running one cancels it first."""

    @extend_schema(
        operation_id="gateway_get_video",
        summary="Get one video",
        responses={200: GatewayVideoSerializer},
    )
    def get(self, request: Request, video_id: str) -> Response:
        return answer_with(get_own_video(request, video_id))

    @extend_schema(
        operation_id="gateway_delete_video",
        summary="Delete a video; one that has not ended is cancelled",
        responses={200: DeletedVideoSerializer},
    )
    def delete(self, request: Request, video_id: str) -> Response:
        video = get_own_video(request, video_id)
        removal.delete(video)
        found = representations.gateway_id(video.pk)
        return Response({"id": found, "object": "video.deleted", "deleted": True})


class GatewayContentQuerySerializer(serializers.Serializer):
    variant = serializers.ChoiceField([v.value for v in Variant], default=Variant.VIDEO.value)


class GatewayContentView(GatewayView):
    """A file of a video, with ranges, HEAD and validators."""

    @extend_schema(
        operation_id="gateway_get_content",
        summary="Get the MP4 of a video, its thumbnail or its spritesheet",
        parameters=[GatewayContentQuerySerializer],
        responses={**file_responses(), **gateway_errors(400, 410, 502, 503)},
    )
    def get(self, request: Request, video_id: str) -> HttpResponseBase:
        asked = validated(GatewayContentQuerySerializer, request.query_params)
        video = get_own_video(request, video_id)
        response = content.file_response(request, video, Variant(asked["variant"]), False)
        return _range_not_satisfiable(response) if response.status_code == 416 else response

    head = get


def _range_not_satisfiable(response: HttpResponseBase) -> HttpResponse:
    """Return the answer to a range outside the file, with a body that says so."""
    body = envelope.body(416, "The range lies outside the file.")
    kept = {name: response[name] for name in ("Content-Range", "ETag", "Accept-Ranges")}
    return JsonResponse(body, status=416, headers=kept)
