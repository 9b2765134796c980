"""The tasks of system C: order them, poll them, list, cancel and retry them.

A task is a video in other words: the same row and the same id.
"""

from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib import idempotency
from config.lib.api.openapi import IDEMPOTENCY_KEY, errors, request_example
from config.lib.api.pagination import ListView, PageNumberPagination, PageQuerySerializer
from config.lib.api.serializers import MessageSerializer, validated
from config.lib.api.strict_fields import TextField, WholeNumberField
from config.lib.web.responses import user_of
from videos import representations
from videos.api import fields
from videos.api.serializers import (
    NewTaskSerializer,
    RetriedTaskSerializer,
    TaskSerializer,
    TasksSerializer,
    TaskStateSerializer,
)
from videos.catalog import offers
from videos.catalog.reading import catalog
from videos.jobs import cancellation, orders, state_machine
from videos.library import listing
from videos.media import upload_urls
from videos.models import Video

SIZES = {"landscape": "1280x720", "portrait": "720x1280"}
# How long a video takes according to the answer, in seconds. Source: C12.
ESTIMATED_SECONDS = 180
MAX_IMAGES = 10


class TextToVideoSerializer(fields.PriceTermsSerializer):
    prompt = fields.prompt_field()
    aspect_ratio = serializers.ChoiceField(list(SIZES), default="landscape")
    quality = fields.QualityField(default="standard")
    webhook_url = fields.WebhookUrlField(required=False, allow_blank=True, allow_null=True)


class ImageUrlsField(serializers.ListField):
    """URLs of the user's own uploads."""

    def __init__(self, **kwargs: Any) -> None:
        child = TextField(max_length=None)
        super().__init__(child=child, min_length=1, max_length=MAX_IMAGES, **kwargs)


class ImageToVideoSerializer(TextToVideoSerializer):
    """`image_urls` or `reference_image_urls` are needed; they cannot be combined."""

    image_urls = ImageUrlsField(required=False)
    last_image_url = TextField(max_length=None, required=False)
    reference_image_urls = ImageUrlsField(required=False)

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        if not asked.keys() & {"image_urls", "reference_image_urls"}:
            missing = serializers.ErrorDetail("field required", code="required")
            raise serializers.ValidationError({"image_urls": [missing]})
        return asked


class TextToVideoView(APIView):
    """C11: order a video from text alone."""

    needs_key_and_token = True
    rate = "generate"

    @extend_schema(
        operation_id="text_to_video",
        summary="Order a video from text",
        parameters=[IDEMPOTENCY_KEY],
        request=TextToVideoSerializer,
        responses={200: NewTaskSerializer, **errors(400, 402, 409, 503)},
        examples=request_example({"prompt": fields.EXAMPLE_PROMPT, "quality": "standard"}),
    )
    def post(self, request: Request) -> Response:
        asked = validated(TextToVideoSerializer, request.data)
        return _create_task(request, asked, "Text-to-video")


class ImageToVideoView(APIView):
    """C13: order a video from images; of `image_urls` the first is used."""

    needs_key_and_token = True
    rate = "generate"

    @extend_schema(
        operation_id="image_to_video",
        summary="Order a video that begins with an image, or one from reference images",
        parameters=[IDEMPOTENCY_KEY],
        request=ImageToVideoSerializer,
        responses={200: NewTaskSerializer, **errors(400, 402, 409, 503)},
        examples=request_example(
            {
                "prompt": fields.EXAMPLE_PROMPT,
                "image_urls": ["https://example.com/api/videos/uploads/0bea85fc"],
                "last_image_url": "https://example.com/api/videos/uploads/5f0c2a71",
            }
        ),
    )
    def post(self, request: Request) -> Response:
        asked = validated(ImageToVideoSerializer, request.data)
        return _create_task(request, asked, "Image-to-video", **_find_images(request, asked))


def _find_images(request: Request, asked: dict[str, Any]) -> dict[str, Any]:
    """The images of the order by the names that VideoOrder has for them. Raises BadImageUrl."""
    frames = asked.get("image_urls", [])
    last = [asked["last_image_url"]] if "last_image_url" in asked else []
    references = asked.get("reference_image_urls", [])
    found = upload_urls.get_images(user_of(request), [*frames, *last, *references])
    kept = len(frames) + len(last)
    return {
        "first_image": found[0] if frames else None,
        "last_image": found[len(frames)] if last else None,
        "references": tuple(found[kept:]),
    }


def _create_task(request: Request, asked: dict[str, Any], kind: str, **images: Any) -> Response:
    key = fields.request_key_of(request, asked)
    word = catalog().qualities[asked["quality"]]
    model = offers.find(word)
    order = orders.VideoOrder(
        prompt=asked["prompt"],
        model=word,
        size=model.size_like(SIZES[asked["aspect_ratio"]]),
        seconds=model.default_seconds,
        **images,
        webhook_url=asked.get("webhook_url") or "",
        api_key_id=fields.api_key_id_of(request),
        terms=fields.pop_price_terms(asked),
    )
    outcome = idempotency.run(key, partial(orders.submit, user_of(request), order, key))
    video = outcome.result
    deducted = " Credits deducted." if video.credits else ""
    body = {
        "success": True,
        "task_id": str(video.pk),
        "message": f"{kind} task created successfully.{deducted}",
        "credits_estimated": video.credits,
        "estimated_time": ESTIMATED_SECONDS,
    }
    return Response(body, headers=outcome.headers)


class TaskStatusView(APIView):
    """C16: how far a task is; reading it also polls the engine at once."""

    rate = "tasks"

    @extend_schema(
        operation_id="task_status",
        summary="Get how far a task is, and poll its engine",
        responses={200: TaskStateSerializer},
    )
    def get(self, request: Request, video_id: UUID) -> Response:
        return Response(representations.task(_get_and_poll(request, video_id)))


class TaskDetailView(APIView):
    """C18, C21: one task; deleting it cancels the video and keeps it in the library."""

    rate = "tasks"

    @extend_schema(operation_id="get_task", summary="Get one task", responses={200: TaskSerializer})
    def get(self, request: Request, video_id: UUID) -> Response:
        return Response(representations.task_detail(_get_and_poll(request, video_id)))

    @extend_schema(
        operation_id="cancel_task",
        summary="Cancel a task; its credits are given back",
        responses={200: MessageSerializer, **errors(400)},
    )
    def delete(self, request: Request, video_id: UUID) -> Response:
        try:
            cancellation.cancel(fields.get_own_video(request, video_id))
        except state_machine.NotPossible as error:
            raise state_machine.NotPossible("Cannot cancel task with current status") from error
        return Response({"message": "Task cancelled successfully"})


def _get_and_poll(request: Request, video_id: UUID) -> Video:
    video = fields.get_own_video(request, video_id)
    state_machine.request_poll(video)
    return video


class TaskQuerySerializer(PageQuerySerializer):
    page_size = WholeNumberField(min_value=1, max_value=100, default=10)
    status = fields.StatusField(representations.DETAIL_STATUS, required=False)


@extend_schema_view(
    get=extend_schema(
        operation_id="list_tasks",
        summary="List your tasks, newest first",
        parameters=[TaskQuerySerializer],
        responses={200: TasksSerializer},
    )
)
class TaskListView(ListView):
    """C20: the user's tasks, newest first."""

    queryset = Video.objects.none()
    rate = "tasks"
    query_serializer_class = TaskQuerySerializer
    pagination_class = PageNumberPagination
    results_field = "tasks"
    results_first = True

    def get_queryset(self) -> QuerySet[Video]:
        return listing.listed(user_of(self.request), self.query.get("status", [])).newest()

    def count(self, rows: QuerySet[Video]) -> int:
        return listing.number_listed(rows, user_of(self.request), self.query.get("status", []))

    def represent(self, page: list[Video]) -> Any:
        return [representations.task_detail(video) for video in page]


class RetryTaskView(APIView):
    """C22: order a failed task once more."""

    needs_key_and_token = True
    rate = "generate"

    @extend_schema(
        operation_id="retry_task",
        summary="Order a failed task once more",
        parameters=[IDEMPOTENCY_KEY],
        request=fields.PriceLimitSerializer,
        responses={200: RetriedTaskSerializer, **errors(400, 402, 409, 503)},
    )
    def post(self, request: Request, video_id: UUID) -> Response:
        failed = fields.get_own_video(request, video_id)
        asked = validated(fields.PriceLimitSerializer, request.data)
        key, api_key_id = fields.request_key_of(request, asked), fields.api_key_id_of(request)
        terms = fields.pop_price_terms(asked)
        try:
            outcome = idempotency.run(key, partial(orders.retry, failed, key, api_key_id, terms))
        except state_machine.NotPossible as error:
            raise state_machine.NotPossible("Task cannot be retried") from error
        body = {
            "message": "Task retry initiated",
            "task_id": str(outcome.result.pk),
            "original_task_id": str(failed.pk),
        }
        return Response(body, headers=outcome.headers)
