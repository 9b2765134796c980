"""/api/videos in the words of systems A and B."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib import idempotency
from config.lib.idempotency import RequestKey
from videos import catalog, representations, signed_urls
from videos.api import fields
from videos.engines.base import Variant
from videos.jobs import state_machine
from videos.media import files, uploads
from videos.models import Video

Rendered = Callable[[Video], dict[str, Any]]


class SecondsField(serializers.IntegerField):
    """A length in seconds, as a number or as its text."""


class CreateBody(serializers.Serializer):
    prompt = fields.prompt_field()
    model = serializers.CharField(max_length=64, default=catalog.DEFAULT_MODEL.name)
    size = serializers.CharField(max_length=16, default=catalog.LANDSCAPE)
    seconds = SecondsField(min_value=1, max_value=600, default=catalog.DEFAULT_SECONDS)
    input_reference = serializers.FileField(required=False)


class ListQuery(serializers.Serializer):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=50)
    offset = serializers.IntegerField(min_value=0, max_value=10_000, required=False)
    after = fields.VideoIdField(required=False)
    order = serializers.ChoiceField(["asc", "desc"], default="desc")
    q = serializers.CharField(max_length=200, required=False, allow_blank=True)
    status = fields.StatusField(representations.LIBRARY_STATUS, required=False)


class Create(APIView):
    """B04, B05: order a video; system B's own address."""

    needs_both = True
    rate = "generate"
    parser_classes = (*APIView.parser_classes, MultiPartParser, FormParser)
    rendered: Rendered = staticmethod(representations.aliased_video)

    def post(self, request: Request) -> Response:
        body = CreateBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        key = fields.request_key_of(request, asked)
        outcome = idempotency.run(key, partial(_order, request, asked, key))
        return Response(self.rendered(outcome.result), status=201, headers=outcome.headers)


def _order(request: Request, asked: dict[str, Any], request_key: RequestKey | None) -> Video:
    user = fields.user_of(request)
    # Before the image is read.
    catalog.check(asked["model"], asked["size"], asked["seconds"])
    image = asked.pop("input_reference", None)
    reference = uploads.keep_image(user, image) if image else None
    try:
        key = fields.key_of(request)
        wish = state_machine.Wish(**asked, reference=reference, api_key_id=key)
        return state_machine.submit(user, wish, request_key)
    except Exception:
        if reference:
            uploads.discard(reference)
        raise


class Videos(Create):
    """A07-A14: order a video, and list one's own."""

    rendered: Rendered = staticmethod(representations.library_video)

    def get(self, request: Request) -> Response:
        query = ListQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        if "after" in asked and "offset" in asked:
            raise fields.OffsetAndAfter
        rows = Video.objects.of(fields.user_of(request)).matching(asked.get("q", ""))
        if states := asked.get("status"):
            rows = rows.filter(status__in=states)
        total = rows.count()
        limit, offset = asked["limit"], asked.get("offset", 0)
        page = list(_ordered(rows, asked)[offset : offset + limit + 1])
        shown = page[:limit]
        return Response(
            {
                "videos": [representations.library_video(video) for video in shown],
                "limit": limit,
                "offset": offset,
                "total": total,
                "has_more": len(page) > limit,
                "first_id": str(shown[0].pk) if shown else None,
                "last_id": str(shown[-1].pk) if shown else None,
            }
        )


def _ordered(rows: Any, asked: dict[str, Any]) -> Any:
    descending = asked["order"] == "desc"
    if after := asked.get("after"):
        last = rows.model.objects.filter(pk=after, pk__in=rows.values("pk")).first()
        if last is None:
            raise serializers.ValidationError({"after": ["No such video."]})
        word = "lt" if descending else "gt"
        same = Q(created_at=last.created_at, **{f"id__{word}": last.pk})
        rows = rows.filter(Q(**{f"created_at__{word}": last.created_at}) | same)
    return rows.newest() if descending else rows.newest().reverse()


class VideoDetail(APIView):
    """A15, A18: one video; deleting it also cancels it and frees its credits."""

    def get(self, request: Request, video_id: UUID) -> Response:
        return Response(representations.library_video(fields.own(request, video_id)))

    def delete(self, request: Request, video_id: UUID) -> Response:
        state_machine.delete(fields.own(request, video_id))
        return Response({"success": True})


class StatusQuery(serializers.Serializer):
    id = fields.VideoIdField()


class Status(APIView):
    """B06, B12: one video as it stands; reading it also has the engine asked at once."""

    def get(self, request: Request, video_id: UUID | None = None) -> Response:
        if video_id is None:
            query = StatusQuery(data=request.query_params)
            query.is_valid(raise_exception=True)
            video_id = query.validated_data["id"]
        video = fields.own(request, video_id)
        state_machine.look_now(video)
        return Response(representations.aliased_video(video))


class RemixBody(serializers.Serializer):
    prompt = fields.prompt_field()


class RemixOf(RemixBody):
    remix_video_id = fields.VideoIdField()


class Remix(APIView):
    """A17: a new version of a completed video."""

    rate = "generate"
    parser_classes = (*APIView.parser_classes, MultiPartParser, FormParser)
    rendered: Rendered = staticmethod(representations.library_video)

    def post(self, request: Request, video_id: UUID) -> Response:
        video = fields.own(request, video_id)
        body = RemixBody(data=request.data)
        body.is_valid(raise_exception=True)
        return self._remixed(request, video, body.validated_data)

    def _remixed(self, request: Request, video: Video, asked: dict[str, Any]) -> Response:
        key, api_key_id = fields.request_key_of(request, asked), fields.key_of(request)
        order = partial(state_machine.remix, video, asked["prompt"], key, api_key_id)
        outcome = idempotency.run(key, order)
        return Response(self.rendered(outcome.result), status=201, headers=outcome.headers)


class RemixB(Remix):
    """B10, B11: the same in system B's two spellings, with the source in the path or the body."""

    rendered: Rendered = staticmethod(representations.aliased_video)

    def post(self, request: Request, video_id: UUID | None = None) -> Response:
        if video_id is not None:
            return super().post(request, video_id)
        body = RemixOf(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        return self._remixed(request, fields.own(request, asked["remix_video_id"]), asked)


class AnyAccept(BaseContentNegotiation):
    """Files are what they are, whatever the Accept header says."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ContentQuery(serializers.Serializer):
    variant = serializers.ChoiceField([v.value for v in Variant], default=Variant.VIDEO.value)
    download = serializers.BooleanField(default=False)
    expires = serializers.IntegerField(min_value=0, max_value=2**40, default=0)
    signature = serializers.CharField(max_length=128, default="")


TYPES = {
    Variant.VIDEO: ("video/mp4", "mp4"),
    Variant.THUMBNAIL: ("image/webp", "webp"),
    Variant.SPRITESHEET: ("image/jpeg", "jpg"),
}


class Content(APIView):
    """A16, B24: the MP4, its thumbnail or its spritesheet; ranges, HEAD and validators work.

    To its owner, or to whoever holds a signed address of this very file.
    """

    content_negotiation_class = AnyAccept
    permission_classes = (AllowAny,)

    def get(self, request: Request, video_id: UUID) -> HttpResponseBase:
        query = ContentQuery(data=request.query_params)
        readable = query.is_valid()
        asked = query.validated_data
        variant = Variant(asked.get("variant", Variant.VIDEO))
        if readable and signed_urls.allows(video_id, variant, asked["expires"], asked["signature"]):
            video = get_object_or_404(Video.objects.shown(), pk=video_id)
        elif request.user.is_authenticated:
            video = fields.own(request, video_id)
        else:
            raise NotAuthenticated
        query.is_valid(raise_exception=True)
        return _delivered(request, video, variant, asked["download"])

    head = get


class Download(APIView):
    """B08: the MP4, to be saved."""

    content_negotiation_class = AnyAccept

    def get(self, request: Request, video_id: UUID) -> HttpResponseBase:
        return _delivered(request, fields.own(request, video_id), Variant.VIDEO, True)

    head = get


def _delivered(
    request: Request, video: Video, variant: Variant, attachment: bool
) -> HttpResponseBase:
    field = {
        Variant.VIDEO: video.file,
        Variant.THUMBNAIL: video.thumbnail,
        Variant.SPRITESHEET: video.spritesheet,
    }[variant]
    if not field:
        raise NotFound("The video has no file yet." if video.is_active else "It has no file.")
    content_type, suffix = TYPES[variant]
    file = files.Deliverable(
        name=str(field.name),
        content_type=content_type,
        filename=f"{video.pk}.{suffix}",
        etag=f"{video.file_sha256[:32]}-{variant.value}",
    )
    try:
        return files.deliver(request._request, file, attachment=attachment)
    except FileNotFoundError as error:
        raise NotFound("The file is no longer there.") from error
