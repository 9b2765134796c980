"""/api/showcase: what the public sees. Source: C36 to C39, C60."""

from math import ceil
from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from showcase import gallery
from showcase.models import Clip
from videos import catalog
from videos.models import Video


class Public(APIView):
    """A door that needs no sign-in."""

    authentication_classes = ()
    permission_classes = (AllowAny,)


class ClipsQuery(serializers.Serializer):
    page = serializers.IntegerField(min_value=1, max_value=10_000, default=1)
    page_size = serializers.IntegerField(min_value=1, max_value=100, default=12)


class Clips(Public):
    """C36: the showcase, in the order staff gave it; empty while it is being set up."""

    def get(self, request: Request) -> Response:
        query = ClipsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        page, size = query.validated_data["page"], query.validated_data["page_size"]
        body = {"total": 0, "page": page, "page_size": size, "total_pages": 0, "videos": []}
        try:
            clips = gallery.public()
        except gallery.NotOpen as closed:
            return Response({**body, "message": str(closed)})
        total = clips.count()
        shown = clips[(page - 1) * size : page * size]
        return Response(
            {
                **body,
                "total": total,
                "total_pages": ceil(total / size),
                "videos": [clip_object(clip) for clip in shown],
            }
        )


class ClipDetail(Public):
    """C38: one clip; looking at it counts once for a visitor and an hour."""

    def get(self, request: Request, clip_id: int) -> Response:
        clip = get_object_or_404(gallery.public(), pk=clip_id)
        clip.view_count += gallery.look(request._request, clip)
        return Response(clip_object(clip))


class ClipLike(APIView):
    """C60: like a clip, or take it back."""

    def post(self, request: Request, clip_id: int) -> Response:
        clip = get_object_or_404(gallery.public(), pk=clip_id)
        return Response({"liked": True, "like_count": gallery.like(clip, _user(request))})

    def delete(self, request: Request, clip_id: int) -> Response:
        clip = get_object_or_404(gallery.public(), pk=clip_id)
        return Response({"liked": False, "like_count": gallery.unlike(clip, _user(request))})


def clip_object(clip: Clip) -> dict[str, Any]:
    """C37; durations in seconds."""
    video = clip.video
    from_image = video.operation == Video.Operation.IMAGE
    model = catalog.MODELS.get(video.model)
    return {
        "id": clip.pk,
        "title": clip.title,
        "description": clip.description,
        "video_url": gallery.video_url(clip),
        "thumbnail_url": gallery.poster_url(clip),
        "task_type": "IMAGE_TO_VIDEO" if from_image else "TEXT_TO_VIDEO",
        "quality": model.quality if model else "standard",
        "aspect_ratio": "portrait" if video.height > video.width else "landscape",
        "duration_seconds": float(video.seconds),
        "view_count": clip.view_count,
        "like_count": clip.like_count,
        "display_order": clip.display_order,
        "is_active": clip.is_active,
        "created_at": clip.created_at,
    }


def _user(request: Request) -> AbstractBaseUser:
    return cast("AbstractBaseUser", request.user)
