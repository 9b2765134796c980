"""The files of a video: the MP4, its thumbnail and its spritesheet."""

from typing import Any
from uuid import UUID

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated, NotFound
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from config.lib.api.openapi import errors, file_responses
from config.lib.api.serializers import refuse_doubles
from config.lib.api.strict_fields import TextField, WholeNumberField
from videos import signed_urls
from videos.api import fields
from videos.engines.base import Variant
from videos.media import delivery, http_ranges
from videos.models import Video

# Content type and suffix of each file.
TYPES = {
    Variant.VIDEO: ("video/mp4", "mp4"),
    Variant.THUMBNAIL: ("image/webp", "webp"),
    Variant.SPRITESHEET: ("image/jpeg", "jpg"),
}


class AnyAccept(DefaultContentNegotiation):
    """Answer with what there is, whatever the Accept header asks for.

    Players name types of video, and SDKs `application/binary`.
    """

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class ContentQuerySerializer(serializers.Serializer):
    variant = serializers.ChoiceField([v.value for v in Variant], default=Variant.VIDEO.value)
    download = serializers.BooleanField(default=False)
    expires = WholeNumberField(min_value=0, max_value=2**40, default=0)
    signature = TextField(max_length=128, default="")


class ContentView(APIView):
    """A16, B24: a file of a video, with ranges, HEAD and validators.

    Allowed for the video's owner, and for anyone with a signed URL of this file.
    """

    content_negotiation_class = AnyAccept
    free_for_pages = True
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="get_content",
        summary="Get the MP4 of a video, its thumbnail or its spritesheet",
        parameters=[ContentQuerySerializer],
        responses={**file_responses(), **errors(410, 502, 503)},
    )
    def get(self, request: Request, video_id: UUID) -> HttpResponseBase:
        query = ContentQuerySerializer(data=request.query_params)
        refuse_doubles(ContentQuerySerializer, request.query_params)
        is_valid = query.is_valid()
        asked = query.validated_data
        variant = Variant(asked.get("variant", Variant.VIDEO))
        if is_valid and signed_urls.allows(video_id, variant, asked["expires"], asked["signature"]):
            video = get_object_or_404(Video.objects.shown(), pk=video_id)
        elif request.user.is_authenticated:
            video = fields.get_own_video(request, video_id)
        else:
            raise NotAuthenticated
        query.is_valid(raise_exception=True)
        return file_response(request, video, variant, asked["download"])

    head = get


class DownloadView(APIView):
    """B08: the MP4 as an attachment."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        operation_id="download",
        summary="Download the MP4 of a video",
        responses={**file_responses(), **errors(410, 502, 503)},
    )
    def get(self, request: Request, video_id: UUID) -> HttpResponseBase:
        video = fields.get_own_video(request, video_id)
        return file_response(request, video, Variant.VIDEO, True)

    head = get


def file_response(
    request: Request, video: Video, variant: Variant, attachment: bool
) -> HttpResponseBase:
    """Answer with a file of a video. Raises NotFound or EngineFileError."""
    filename = f"{video.pk}.{TYPES[variant][1]}"
    etag = f"{video.file_sha256[:32]}-{variant.value}"
    try:
        if variant is Variant.VIDEO and video.has_file:
            return delivery.video_response(
                request._request, video, filename=filename, etag=etag, attachment=attachment
            )
        return _image_response(request, video, variant, filename, etag, attachment)
    except FileNotFoundError as error:
        raise NotFound("The file is no longer there.") from error


def _image_response(
    request: Request, video: Video, variant: Variant, filename: str, etag: str, attachment: bool
) -> HttpResponseBase:
    images = {Variant.THUMBNAIL: video.thumbnail, Variant.SPRITESHEET: video.spritesheet}
    if not (stored := images.get(variant)):
        raise NotFound(f"The video has no file{' yet' * video.is_active}.")
    file = http_ranges.StoredFile(str(stored.name), TYPES[variant][0], filename, etag)
    return http_ranges.file_response(request._request, file, attachment=attachment)
