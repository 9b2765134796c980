"""/api/videos in the words of systems A and B."""

from typing import Any, cast
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from videos import catalog, dialects, lifecycle, media
from videos.models import Video
from videos.providers import Variant


class SecondsField(serializers.IntegerField):
    """A length in seconds, as a number or as its text."""


class CreateBody(serializers.Serializer):
    prompt = serializers.CharField(min_length=1, max_length=catalog.PROMPT_MAX)
    model = serializers.CharField(max_length=64, default=catalog.DEFAULT_MODEL.name)
    size = serializers.CharField(max_length=16, default=catalog.LANDSCAPE)
    seconds = SecondsField(min_value=1, max_value=600, default=catalog.DEFAULT_SECONDS)
    input_reference = serializers.FileField(required=False)


class ListQuery(serializers.Serializer):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=50)
    offset = serializers.IntegerField(min_value=0, max_value=10_000, required=False)
    after = serializers.UUIDField(required=False)
    order = serializers.ChoiceField(["asc", "desc"], default="desc")
    q = serializers.CharField(max_length=200, required=False, allow_blank=True)
    status = serializers.ChoiceField(sorted(set(dialects.LIBRARY_STATUS.values())), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "after" in attrs and "offset" in attrs:
            raise serializers.ValidationError({"after": ["Use either after or offset."]})
        return attrs


class Videos(APIView):
    """A07-A14: order a video, and list one's own."""

    needs_both = True
    rate = "generate"
    parser_classes = (*APIView.parser_classes, MultiPartParser, FormParser)

    def post(self, request: Request) -> Response:
        body = CreateBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        user = cast("AbstractBaseUser", request.user)
        catalog.check(asked["model"], asked["size"], asked["seconds"])
        image = asked.pop("input_reference", None)
        reference = media.keep_image(user, image) if image else None
        try:
            video = lifecycle.submit(user, lifecycle.Wish(**asked, reference=reference))
        except Exception:
            if reference:
                media.discard(reference)
            raise
        return Response(dialects.library_video(video), status=201)

    def get(self, request: Request) -> Response:
        query = ListQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        rows = Video.objects.of(cast("AbstractBaseUser", request.user))
        rows = rows.matching(asked.get("q", ""))
        if word := asked.get("status"):
            rows = rows.filter(
                status__in=[s for s, w in dialects.LIBRARY_STATUS.items() if w == word]
            )
        total = rows.count()
        limit, offset = asked["limit"], asked.get("offset", 0)
        page = list(_ordered(rows, asked)[offset : offset + limit + 1])
        shown = page[:limit]
        return Response(
            {
                "videos": [dialects.library_video(video) for video in shown],
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
        return Response(dialects.library_video(own(request, video_id)))

    def delete(self, request: Request, video_id: UUID) -> Response:
        lifecycle.delete(own(request, video_id))
        return Response({"success": True})


class RemixBody(serializers.Serializer):
    prompt = serializers.CharField(min_length=1, max_length=catalog.PROMPT_MAX)


class Remix(APIView):
    """A17: a new version of a completed video."""

    rate = "generate"
    parser_classes = (*APIView.parser_classes, MultiPartParser, FormParser)

    def post(self, request: Request, video_id: UUID) -> Response:
        video = own(request, video_id)
        body = RemixBody(data=request.data)
        body.is_valid(raise_exception=True)
        new = lifecycle.remix(video, body.validated_data["prompt"])
        return Response(dialects.library_video(new), status=201)


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


TYPES = {
    Variant.VIDEO: ("video/mp4", "mp4"),
    Variant.THUMBNAIL: ("image/webp", "webp"),
    Variant.SPRITESHEET: ("image/jpeg", "jpg"),
}


class Content(APIView):
    """A16, B24: the MP4, its thumbnail or its spritesheet; ranges, HEAD and validators work."""

    content_negotiation_class = AnyAccept

    def get(self, request: Request, video_id: UUID) -> HttpResponseBase:
        video = own(request, video_id)
        query = ContentQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        variant = Variant(query.validated_data["variant"])
        field = {
            Variant.VIDEO: video.file,
            Variant.THUMBNAIL: video.thumbnail,
            Variant.SPRITESHEET: video.spritesheet,
        }[variant]
        if not field:
            raise NotFound("The video has no file yet." if video.is_active else "It has no file.")
        content_type, suffix = TYPES[variant]
        file = media.Deliverable(
            name=str(field.name),
            content_type=content_type,
            filename=f"{video.pk}.{suffix}",
            etag=f"{video.file_sha256[:32]}-{variant.value}",
        )
        try:
            return media.deliver(
                request._request, file, attachment=query.validated_data["download"]
            )
        except FileNotFoundError as error:
            raise NotFound("The file is no longer there.") from error

    head = get


def own(request: Request, video_id: UUID) -> Video:
    """The asker's video of this id; anybody else's is as unknown as one that does not exist."""
    return get_object_or_404(Video.objects.of(cast("AbstractBaseUser", request.user)), pk=video_id)
