"""The tasks of system C: /api/videos/text-to-video, image-to-video and tasks, and /api/tasks."""

from functools import partial
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib import idempotency
from videos import catalog, representations
from videos.api import fields
from videos.jobs import state_machine
from videos.media import uploads
from videos.models import Upload, Video

SIZES = {"landscape": catalog.LANDSCAPE, "portrait": catalog.PORTRAIT}
MODELS = {model.quality: model.name for model in catalog.MODELS.values()}
# What is told to expect, in seconds. Source: C12.
ESTIMATED_SECONDS = 180
MAX_IMAGES = 10


class TextBody(serializers.Serializer):
    prompt = fields.prompt_field()
    aspect_ratio = serializers.ChoiceField(list(SIZES), default="landscape")
    quality = serializers.ChoiceField(list(MODELS), default="standard")
    webhook_url = fields.WebhookUrlField(required=False, allow_blank=True, allow_null=True)


class ImageBody(TextBody):
    image_urls = serializers.ListField(
        child=serializers.CharField(max_length=None), min_length=1, max_length=MAX_IMAGES
    )


class TextToVideo(APIView):
    """C11: a video from words alone."""

    needs_both = True
    rate = "generate"

    def post(self, request: Request) -> Response:
        body = TextBody(data=request.data)
        body.is_valid(raise_exception=True)
        return _ordered(request, body.validated_data, None, "Text-to-video")


class ImageToVideo(APIView):
    """C13: a video that begins with an image; the first of several is that one."""

    needs_both = True
    rate = "generate"

    def post(self, request: Request) -> Response:
        body = ImageBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        first, *_ = uploads.images_at(fields.user_of(request), asked["image_urls"])
        return _ordered(request, asked, first, "Image-to-video")


def _ordered(
    request: Request, asked: dict[str, Any], reference: Upload | None, what: str
) -> Response:
    wish = state_machine.Wish(
        prompt=asked["prompt"],
        model=MODELS[asked["quality"]],
        size=SIZES[asked["aspect_ratio"]],
        reference=reference,
        webhook_url=asked.get("webhook_url") or "",
        api_key_id=fields.key_of(request),
    )
    user, key = fields.user_of(request), fields.request_key_of(request, asked)
    outcome = idempotency.run(key, partial(state_machine.submit, user, wish, key))
    video = outcome.result
    body = {
        "success": True,
        "task_id": str(video.pk),
        "message": f"{what} task created successfully. Credits deducted.",
        "credits_estimated": video.credits,
        "estimated_time": ESTIMATED_SECONDS,
    }
    return Response(body, headers=outcome.headers)


class TaskStatus(APIView):
    """C16: how far it is; reading it also has the engine asked at once."""

    rate = "tasks"

    def get(self, request: Request, video_id: UUID) -> Response:
        return Response(representations.task(_rung(request, video_id)))


class TaskDetail(APIView):
    """C18, C21: one task; deleting it cancels the video and keeps it in the library."""

    rate = "tasks"

    def get(self, request: Request, video_id: UUID) -> Response:
        return Response(representations.task_detail(_rung(request, video_id)))

    def delete(self, request: Request, video_id: UUID) -> Response:
        try:
            state_machine.cancel(fields.own(request, video_id))
        except state_machine.NotPossible as error:
            raise state_machine.NotPossible("Cannot cancel task with current status") from error
        return Response({"message": "Task cancelled successfully"})


def _rung(request: Request, video_id: UUID) -> Video:
    video = fields.own(request, video_id)
    state_machine.look_now(video)
    return video


class TasksQuery(serializers.Serializer):
    page = serializers.IntegerField(min_value=1, max_value=10_000, default=1)
    page_size = serializers.IntegerField(min_value=1, max_value=100, default=10)
    status = fields.StatusField(representations.DETAIL_STATUS, required=False)


class UserTasks(APIView):
    """C20: one's own tasks, newest first; a page past the end is empty."""

    rate = "tasks"

    def get(self, request: Request) -> Response:
        query = TasksQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        rows = Video.objects.of(fields.user_of(request))
        if states := asked.get("status"):
            rows = rows.filter(status__in=states)
        page, size = asked["page"], asked["page_size"]
        shown = rows.newest()[(page - 1) * size : page * size]
        return Response(
            {
                "tasks": [representations.task_detail(video) for video in shown],
                "total": rows.count(),
                "page": page,
                "page_size": size,
            }
        )


class RetryTask(APIView):
    """C22: the same order once more, after it failed."""

    rate = "generate"

    def post(self, request: Request, video_id: UUID) -> Response:
        lost = fields.own(request, video_id)
        key = fields.request_key_of(request, {})
        try:
            api_key_id = fields.key_of(request)
            outcome = idempotency.run(key, partial(state_machine.retry, lost, key, api_key_id))
        except state_machine.NotPossible as error:
            raise state_machine.NotPossible("Task cannot be retried") from error
        body = {
            "message": "Task retry initiated",
            "task_id": str(outcome.result.pk),
            "original_task_id": str(lost.pk),
        }
        return Response(body, headers=outcome.headers)
