"""The addresses that only system B has: other names for calls of `videos.api.videos`.

Their answers show the video object with B's field names beside the others.
"""

from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib.api.openapi import IDEMPOTENCY_KEY, errors, request_example
from config.lib.api.serializers import validated
from videos import representations
from videos.api import fields
from videos.api.serializers import AliasedVideoSerializer
from videos.api.videos import (
    CreateRemixView,
    CreateVideoSerializer,
    CreateVideoView,
    RemixSerializer,
    Representation,
)
from videos.jobs import state_machine


@extend_schema_view(
    post=extend_schema(
        operation_id="create_video_b",
        summary="Order a video",
        description="The same as `POST /api/videos`.",
        deprecated=True,
        parameters=[IDEMPOTENCY_KEY],
        request=CreateVideoSerializer,
        responses={201: AliasedVideoSerializer, **errors(400, 402, 409, 503)},
        examples=request_example({"prompt": fields.EXAMPLE_PROMPT, "seconds": 8}),
    )
)
class CreateVideoAliasView(CreateVideoView):
    """B04, B05: order a video."""

    representation: Representation = staticmethod(representations.aliased_video)


class _VideoStatusView(APIView):
    def show(self, request: Request, video_id: UUID) -> Response:
        video = fields.get_own_video(request, video_id)
        state_machine.request_poll(video)
        return Response(representations.aliased_video(video))


class VideoStatusView(_VideoStatusView):
    """B06, B12: one video as it stands; reading it also polls the engine at once."""

    @extend_schema(
        operation_id="status_by_path",
        summary="Get one video and poll its engine",
        description="The same as `GET /api/videos/{video_id}`.",
        deprecated=True,
        responses={200: AliasedVideoSerializer},
    )
    def get(self, request: Request, video_id: UUID) -> Response:
        return self.show(request, video_id)


class StatusQuerySerializer(serializers.Serializer):
    id = fields.VideoIdField()


class VideoStatusByQueryView(_VideoStatusView):
    """The same with the id in the query."""

    @extend_schema(
        operation_id="status_by_query",
        summary="Get one video and poll its engine",
        description="The same as `GET /api/videos/{video_id}`.",
        deprecated=True,
        parameters=[StatusQuerySerializer],
        responses={200: AliasedVideoSerializer, **errors(404)},
    )
    def get(self, request: Request) -> Response:
        return self.show(request, validated(StatusQuerySerializer, request.query_params)["id"])


@extend_schema_view(
    post=extend_schema(
        operation_id="remix_by_path",
        summary="Order a new version of a finished video",
        description="The same as `POST /api/videos/{video_id}/remix`.",
        deprecated=True,
        parameters=[IDEMPOTENCY_KEY],
        request=RemixSerializer,
        responses={201: AliasedVideoSerializer, **errors(400, 402, 409, 503)},
    )
)
class RemixAliasView(CreateRemixView):
    """B10: a new version of the video in the path."""

    representation: Representation = staticmethod(representations.aliased_video)


class RemixOfSerializer(RemixSerializer):
    remix_video_id = fields.VideoIdField()


class RemixByBodyView(CreateRemixView):
    """B11: a new version of the video that the body names."""

    representation: Representation = staticmethod(representations.aliased_video)

    @extend_schema(
        operation_id="remix_by_body",
        summary="Order a new version of a finished video",
        description="The same as `POST /api/videos/{video_id}/remix`.",
        deprecated=True,
        parameters=[IDEMPOTENCY_KEY],
        request=RemixOfSerializer,
        responses={201: AliasedVideoSerializer, **errors(400, 402, 404, 409, 503)},
    )
    def post(self, request: Request) -> Response:  # type: ignore[override]
        asked = validated(RemixOfSerializer, request.data)
        source = fields.get_own_video(request, asked["remix_video_id"])
        return self.remix(request, source, asked)
