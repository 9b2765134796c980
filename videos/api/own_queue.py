"""/api/videos/queue: the user's waiting orders; pause, resume, move or cancel them."""

from typing import Any

from django.db.models import prefetch_related_objects
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib.api.openapi import errors, request_example
from config.lib.api.serializers import validated
from config.lib.web.responses import user_of
from videos import representations
from videos.api import fields
from videos.api.serializers import VideoSerializer
from videos.jobs import own_queue, queue
from videos.models import Video


class QueuedVideoSerializer(VideoSerializer):
    """The video object, and whether its owner has paused it."""

    paused = serializers.BooleanField()


class QueueSerializer(serializers.Serializer):
    """`credits` is what all `total` orders cost, of which the first hundred are listed."""

    videos = QueuedVideoSerializer(many=True)
    total = serializers.IntegerField()
    paused = serializers.IntegerField()
    credits = serializers.IntegerField()


class QueueActionSerializer(serializers.Serializer):
    """Without `video_id` the action is for all waiting orders; `front` needs one."""

    action = serializers.ChoiceField(list(own_queue.CHANGES))
    video_id = fields.VideoIdField(required=False)


class ChangedQueueSerializer(serializers.Serializer):
    """How many orders were changed, and how many credits came back for those cancelled."""

    changed = serializers.IntegerField()
    credits = serializers.IntegerField()


class QueueView(APIView):
    """What waits in the queue of orders, and how it waits."""

    @extend_schema(
        operation_id="list_queue",
        summary="List your orders that wait for an engine",
        responses={200: QueueSerializer},
    )
    def get(self, request: Request) -> Response:
        rows = own_queue.waiting_of(user_of(request))
        videos = list(rows[: own_queue.MOST_LISTED])
        queue.add_positions(videos)
        prefetch_related_objects(videos, "tags")
        shown = [
            {**representations.library_video(video), "paused": video.paused_at is not None}
            for video in videos
        ]
        return Response({"videos": shown, **own_queue.totals_of(rows)})

    @extend_schema(
        operation_id="change_queue",
        summary="Pause, resume, move or cancel orders that wait",
        request=QueueActionSerializer,
        responses={200: ChangedQueueSerializer, **errors(400, 404)},
        examples=request_example({"action": "pause"}),
    )
    def post(self, request: Request) -> Response:
        asked = validated(QueueActionSerializer, request.data)
        changed = _change(request, **asked)
        cancelled = changed if asked["action"] == "cancel" else []
        returned = sum(video.credits for video in cancelled)
        return Response({"changed": len(changed), "credits": returned})


def _change(request: Request, action: str, video_id: Any = None) -> list[Video]:
    user = user_of(request)
    if video_id is not None:
        video = Video.objects.of(user).filter(pk=video_id).first()
        if video is None:
            raise Http404
        own_queue.CHANGES[action](video)
        return [video]
    if action == "front":
        raise ValidationError({"video_id": ["Name the order to move."]}, code="required")
    return own_queue.CHANGES_OF_ALL[action](user)
