"""/api/videos in the words of system A: order, list, read, delete and remix videos."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet, prefetch_related_objects
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib import idempotency
from config.lib.api.openapi import IDEMPOTENCY_KEY, errors, request_example
from config.lib.api.pagination import LimitOffsetPagination, ListView
from config.lib.api.parsers import StrictFormParser, StrictMultiPartParser
from config.lib.api.serializers import SuccessSerializer, validated
from config.lib.api.strict_fields import MultilineTextField, TextField, WholeNumberField
from config.lib.idempotency import RequestKey
from config.lib.web.responses import user_of
from videos import representations
from videos.api import fields
from videos.api.serializers import VideoSerializer, VideosSerializer
from videos.catalog import offers
from videos.catalog.entries import MOST_REFERENCES
from videos.catalog.modes import OrderImages
from videos.jobs import orders, queue, removal
from videos.library import listing, tags, titles
from videos.media import uploads
from videos.models import Video
from videos.models.tag import MAX_TAG
from videos.models.video_names import MAX_TITLE

Representation = Callable[[Video], dict[str, Any]]


class CreateVideoSerializer(
    fields.ModelChoiceSerializer, fields.ChoicesSerializer, fields.PriceTermsSerializer
):
    """`seconds` may also be the text of a number.

    `input_reference` is the first frame and `last_image` the last one; `reference_images` show what
    the video is about.
    """

    prompt = fields.prompt_field()
    input_reference = serializers.FileField(required=False)
    last_image = serializers.FileField(required=False)
    reference_images = serializers.ListField(
        child=serializers.FileField(), min_length=1, max_length=MOST_REFERENCES, required=False
    )
    webhook_url = fields.WebhookUrlField(required=False, allow_blank=True)


class CreateVideoView(APIView):
    """POST orders a video; a subclass chooses how the answer shows it."""

    needs_key_and_token = True
    rate = "generate"
    parser_classes = (*APIView.parser_classes, StrictMultiPartParser, StrictFormParser)
    representation: Representation

    def post(self, request: Request) -> Response:
        asked = validated(CreateVideoSerializer, request.data)
        key = fields.request_key_of(request, asked)
        outcome = idempotency.run(key, partial(_order, request, asked, key))
        queue.add_positions([outcome.result])
        body = self.representation(outcome.result)
        return Response(body, status=201, headers=outcome.headers)


def _order(request: Request, asked: dict[str, Any], request_key: RequestKey | None) -> Video:
    user, asked = user_of(request), dict(asked)
    terms = fields.pop_price_terms(asked)
    # Before the images are read.
    fields.fill_in_defaults(asked)
    choices = fields.pop_choices(asked)
    frames = [asked.pop(name, None) for name in ("input_reference", "last_image")]
    references = asked.pop("reference_images", [])
    has_first, has_last = map(bool, frames)
    images = OrderImages(has_first, has_last, len(references))
    offers.check(asked["model"], asked["size"], asked["seconds"], choices, images)
    with uploads.images_of_order(user, [*frames, *references]) as (first, last, *others):
        order = orders.VideoOrder(
            **asked,
            choices=choices,
            first_image=first,
            last_image=last,
            references=tuple(filter(None, others)),
            api_key_id=fields.api_key_id_of(request),
            terms=terms,
        )
        return orders.submit(user, order, request_key)


class VideoQuerySerializer(serializers.Serializer):
    limit = WholeNumberField(min_value=1, max_value=100, default=50)
    offset = WholeNumberField(min_value=0, max_value=10_000, required=False)
    after = fields.VideoIdField(required=False)
    order = serializers.ChoiceField(["asc", "desc"], default="desc")
    q = TextField(max_length=200, required=False, allow_blank=True)
    status = fields.StatusField(representations.LIBRARY_STATUS, required=False)
    tag = TextField(
        max_length=MAX_TAG,
        required=False,
        allow_blank=True,
        help_text="Only videos with this tag, in any case.",
    )


class VideoPagination(LimitOffsetPagination):
    unknown_after = "No such video."

    def id_of(self, row: Any) -> str:
        return representations.library_id(row.pk)


@extend_schema_view(
    get=extend_schema(
        operation_id="list_videos",
        summary="List your videos, newest first",
        parameters=[VideoQuerySerializer],
        responses={200: VideosSerializer, **errors(400)},
    ),
    post=extend_schema(
        operation_id="create_video",
        summary="Order a video",
        parameters=[IDEMPOTENCY_KEY],
        request=CreateVideoSerializer,
        responses={201: VideoSerializer, **errors(400, 402, 409, 503)},
        examples=request_example({"prompt": fields.EXAMPLE_PROMPT, "seconds": "8"}),
    ),
)
class VideoListView(CreateVideoView, ListView):
    """A07-A14: order a video, and list the user's own."""

    queryset = Video.objects.none()
    representation: Representation = staticmethod(representations.library_video)
    query_serializer_class = VideoQuerySerializer
    pagination_class = VideoPagination
    results_field = "videos"

    def get_queryset(self) -> QuerySet[Video]:
        return listing.listed(*self._asked())

    def newest(self, limit: int) -> list[Video] | None:
        user, *filters = self._asked()
        return None if any(filters) else listing.newest(user, limit)

    def count(self, rows: QuerySet[Video]) -> int:
        return listing.number_listed(rows, *self._asked())

    def _asked(self) -> tuple[AbstractBaseUser, list[str], str, str]:
        words, tag = self.query.get("q", ""), self.query.get("tag", "")
        return user_of(self.request), self.query.get("status", []), words, tag

    def rows_to_continue_after(self) -> QuerySet[Video]:
        return Video.objects.with_deleted_of(user_of(self.request))

    def represent(self, page: list[Video]) -> Any:
        queue.add_positions(page)
        prefetch_related_objects(page, "tags")
        return [representations.library_video(video) for video in page]


class ChangeVideoSerializer(serializers.Serializer):
    """What an owner may change of a video. What is left out stays as it is."""

    title = MultilineTextField(
        max_length=MAX_TITLE,
        required=False,
        allow_blank=True,
        help_text='Line breaks become spaces. `""` returns to the first clause of the prompt.',
    )
    tags = serializers.ListField(
        child=fields.TagField(),
        required=False,
        max_length=tags.MOST_ON_VIDEO,
        help_text="All tags of the video, instead of those before; `[]` for none.",
    )


def _replace_tags(video: Video, names: list[str]) -> None:
    """Give a video these tags. Raises ValidationError when it cannot have them."""
    try:
        tags.replace(video, names)
    except tags.BadTag as error:
        raise serializers.ValidationError({"tags": [str(error)]}) from error


class VideoDetailView(APIView):
    """A15, A18: read, change or delete one video; deleting a running one cancels it first."""

    @extend_schema(
        operation_id="get_video", summary="Get one video", responses={200: VideoSerializer}
    )
    def get(self, request: Request, video_id: UUID) -> Response:
        video = fields.get_own_video(request, video_id)
        queue.add_positions([video])
        return Response(representations.library_video(video))

    @extend_schema(
        operation_id="change_video",
        summary="Change the title and the tags of a video",
        request=ChangeVideoSerializer,
        responses={200: VideoSerializer},
        examples=request_example({"title": "Harbour at dusk", "tags": ["harbour", "client A"]}),
    )
    def patch(self, request: Request, video_id: UUID) -> Response:
        video = fields.get_own_video(request, video_id)
        asked = validated(ChangeVideoSerializer, request.data)
        if "tags" in asked:
            _replace_tags(video, asked["tags"])
        if "title" in asked:
            titles.rename(video, asked["title"])
        queue.add_positions([video])
        return Response(representations.library_video(video))

    @extend_schema(
        operation_id="delete_video",
        summary="Delete a video; one that has not ended is cancelled",
        responses={200: SuccessSerializer},
    )
    def delete(self, request: Request, video_id: UUID) -> Response:
        removal.delete(fields.get_own_video(request, video_id))
        return Response({"success": True})


class RemixSerializer(fields.PriceLimitSerializer):
    prompt = fields.prompt_field()
    webhook_url = fields.WebhookUrlField(required=False, allow_blank=True)


class CreateRemixView(APIView):
    """POST orders a new version of a video; a subclass chooses how the answer shows it."""

    needs_key_and_token = True
    rate = "generate"
    parser_classes = (*APIView.parser_classes, StrictMultiPartParser, StrictFormParser)
    representation: Representation

    def remix(self, request: Request, source: Video, asked: dict[str, Any]) -> Response:
        key, api_key_id = fields.request_key_of(request, asked), fields.api_key_id_of(request)
        terms = fields.pop_price_terms(asked)
        order = partial(
            orders.remix, source, asked["prompt"], key, api_key_id, terms,
            webhook_url=asked.get("webhook_url", ""),
        )  # fmt: skip
        outcome = idempotency.run(key, order)
        queue.add_positions([outcome.result])
        body = self.representation(outcome.result)
        return Response(body, status=201, headers=outcome.headers)

    def post(self, request: Request, video_id: UUID) -> Response:
        source = fields.get_own_video(request, video_id)
        return self.remix(request, source, validated(RemixSerializer, request.data))


@extend_schema_view(
    post=extend_schema(
        operation_id="remix_video",
        summary="Order a new version of a finished video",
        parameters=[IDEMPOTENCY_KEY],
        request=RemixSerializer,
        responses={201: VideoSerializer, **errors(400, 402, 409, 503)},
        examples=request_example({"prompt": "The same boat, at sunrise"}),
    )
)
class RemixView(CreateRemixView):
    """A17: order a new version of a completed video."""

    representation: Representation = staticmethod(representations.library_video)
