"""/api/showcase: the public clips, and likes. Source: C36 to C39, C60."""

from math import ceil
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib.api.openapi import errors
from config.lib.api.pagination import ListView, PageNumberPagination, PageQuerySerializer
from config.lib.api.serializers import PageSerializer
from config.lib.api.strict_fields import WholeNumberField
from config.lib.web.responses import user_of
from showcase import counters, gallery, makers
from showcase.models import Clip
from showcase.styles import Style
from videos.catalog.reading import catalog
from videos.models import Video


class MakerSerializer(serializers.Serializer):
    """A maker who agreed to be named."""

    name = serializers.CharField()
    url = serializers.URLField(help_text="The maker's page in the showcase.")


class ClipSerializer(serializers.Serializer):
    """Source: C37."""

    id = serializers.IntegerField()
    title = serializers.CharField()
    description = serializers.CharField()
    video_url = serializers.CharField()
    thumbnail_url = serializers.CharField()
    task_type = serializers.ChoiceField(["TEXT_TO_VIDEO", "IMAGE_TO_VIDEO"])
    quality = serializers.ChoiceField(["standard", "hd"])
    aspect_ratio = serializers.ChoiceField(["landscape", "portrait"])
    style = serializers.ChoiceField(Style.values)  # type: ignore[assignment]
    maker = MakerSerializer(allow_null=True)
    duration_seconds = serializers.FloatField()
    view_count = serializers.IntegerField()
    like_count = serializers.IntegerField()
    display_order = serializers.IntegerField()
    is_active = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class ClipsSerializer(PageSerializer):
    """`message` says that the showcase is still being set up; the list is empty then."""

    total_pages = serializers.IntegerField()
    videos = ClipSerializer(many=True)
    message = serializers.CharField(required=False)


class LikeSerializer(serializers.Serializer):
    liked = serializers.BooleanField()
    like_count = serializers.IntegerField()


class PublicView(APIView):
    """A view that needs no sign-in."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class ClipQuerySerializer(PageQuerySerializer):
    page_size = WholeNumberField(min_value=1, max_value=100, default=12)


class ClipPagination(PageNumberPagination):
    """Page numbers with `total_pages`. Source: C36."""

    def numbers(self) -> dict[str, int]:
        return {**super().numbers(), "total_pages": ceil(self.total / self.size)}


@extend_schema_view(
    get=extend_schema(
        operation_id="list_clips",
        summary="List the clips of the public showcase",
        parameters=[ClipQuerySerializer],
        responses={200: ClipsSerializer},
    )
)
class ClipListView(PublicView, ListView):
    """C36: the showcase in the order that staff gave it; empty while it is being set up."""

    queryset = Clip.objects.none()
    query_serializer_class = ClipQuerySerializer
    pagination_class = ClipPagination
    results_field = "videos"

    def get(self, request: Request) -> Response:
        try:
            return super().get(request)
        except gallery.NotOpen as closed:
            self.paginate_queryset(Clip.objects.none())
            empty = self.get_paginated_response([])
            return Response({**empty.data, "message": str(closed)})

    def get_queryset(self) -> QuerySet[Clip]:
        return gallery.public()

    def represent(self, page: list[Clip]) -> Any:
        return [clip_body(clip) for clip in page]


class ClipDetailView(PublicView):
    """C38: one clip; a visitor's views of it count once an hour."""

    @extend_schema(
        operation_id="get_clip",
        summary="Get one clip and count the view",
        responses={200: ClipSerializer, **errors(503)},
    )
    def get(self, request: Request, clip_id: int) -> Response:
        clip = get_object_or_404(gallery.public(), pk=clip_id)
        clip.view_count += counters.count_request(request._request, clip)
        return Response(clip_body(clip))


class ClipLikeView(APIView):
    """C60: like a clip, or take the like back."""

    @extend_schema(
        operation_id="like",
        summary="Like a clip",
        responses={200: LikeSerializer, **errors(503)},
    )
    def post(self, request: Request, clip_id: int) -> Response:
        clip = get_object_or_404(gallery.public(), pk=clip_id)
        return Response({"liked": True, "like_count": counters.like(clip, user_of(request))})

    @extend_schema(
        operation_id="unlike",
        summary="Take your like of a clip back",
        responses={200: LikeSerializer, **errors(503)},
    )
    def delete(self, request: Request, clip_id: int) -> Response:
        clip = get_object_or_404(gallery.public(), pk=clip_id)
        return Response({"liked": False, "like_count": counters.unlike(clip, user_of(request))})


def _maker(clip: Clip) -> dict[str, str] | None:
    """Return who made a clip; None where nobody is named."""
    maker = makers.maker_of(clip)
    if maker is None:
        return None
    url = gallery.absolute(reverse("maker", args=[maker.slug]))
    return {"name": maker.user.name, "url": url}


def clip_body(clip: Clip) -> dict[str, Any]:
    """Return the clip object of the API; its duration is in seconds. Source: C37."""
    video = clip.video
    from_image = video.operation in Video.WITH_IMAGES
    model = catalog().models.get(video.model)
    return {
        "id": clip.pk,
        "title": clip.title,
        "description": clip.description,
        "video_url": gallery.video_url(clip),
        "thumbnail_url": gallery.poster_url(clip),
        "task_type": "IMAGE_TO_VIDEO" if from_image else "TEXT_TO_VIDEO",
        "quality": model.quality if model else "standard",
        "aspect_ratio": "portrait" if video.height > video.width else "landscape",
        "style": clip.style,
        "maker": _maker(clip),
        "duration_seconds": float(video.seconds),
        "view_count": clip.view_count,
        "like_count": clip.like_count,
        "display_order": clip.display_order,
        "is_active": clip.is_active,
        "created_at": clip.created_at,
    }
