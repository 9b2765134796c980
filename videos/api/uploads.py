"""/api/videos/upload of system C, and the uploaded files."""

from functools import partial
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib import idempotency
from config.lib.api.openapi import IDEMPOTENCY_KEY, errors, file_responses
from config.lib.api.parsers import StrictMultiPartParser
from config.lib.api.serializers import validated
from config.lib.api.strict_fields import TextField
from config.lib.web.responses import user_of
from videos.api import fields
from videos.media import http_ranges, upload_urls, uploads
from videos.models import Upload


class UploadSerializer(serializers.Serializer):
    file = serializers.FileField(allow_empty_file=True, max_length=None)
    file_type = TextField(max_length=16, default=Upload.Kind.IMAGE.value)


class UploadedFileSerializer(serializers.Serializer):
    """`file_size` is in bytes. Source: C10."""

    success = serializers.BooleanField()
    file_url = serializers.CharField()
    storage_key = serializers.CharField()
    file_size = serializers.IntegerField()
    content_type = serializers.CharField()
    file_type = serializers.ChoiceField(Upload.Kind.values)
    message = serializers.CharField()


class UploadView(APIView):
    """C08-C10: upload an image, a clip, or sound for an edit."""

    needs_key_and_token = True
    rate = "upload"
    parser_classes = (StrictMultiPartParser,)

    @extend_schema(
        operation_id="upload",
        summary="Upload an image, a clip or sound of 1 KB to 100 MB",
        parameters=[IDEMPOTENCY_KEY],
        request=UploadSerializer,
        responses={200: UploadedFileSerializer, **errors(400, 403, 409)},
    )
    def post(self, request: Request) -> Response:
        asked = validated(UploadSerializer, request.data)
        file: UploadedFile = asked["file"]
        user, key = user_of(request), fields.request_key_of(request, asked)
        outcome = idempotency.run(
            key, partial(uploads.store_upload, user, file, asked["file_type"], key)
        )
        upload = outcome.result
        body = {
            "success": True,
            "file_url": upload_urls.url_of(upload),
            "storage_key": upload.file.name,
            "file_size": upload.size_bytes,
            "content_type": upload.content_type,
            "file_type": upload.kind,
            "message": f"{upload.get_kind_display()} uploaded successfully",
        }
        return Response(body, headers=outcome.headers)


class UploadContentView(APIView):
    """An uploaded file, for the user who uploaded it; clips come as attachments."""

    free_for_pages = True

    @extend_schema(
        operation_id="get_upload",
        summary="Get a file that you uploaded",
        responses=file_responses(),
    )
    def get(self, request: Request, upload_id: UUID) -> HttpResponseBase:
        upload = get_object_or_404(Upload.objects.of(user_of(request)), pk=upload_id)
        file = http_ranges.StoredFile(
            name=str(upload.file.name),
            content_type=upload.content_type,
            filename=upload.name,
            etag=upload.pk.hex,
        )
        is_image = upload.kind == Upload.Kind.IMAGE
        try:
            return http_ranges.file_response(request._request, file, attachment=not is_image)
        except FileNotFoundError as error:
            raise NotFound("The file is no longer there.") from error

    head = get
