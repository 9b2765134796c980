"""/api/videos/upload of system C, and the files it has taken."""

from functools import partial
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib import idempotency
from videos.api import fields
from videos.media import files, uploads
from videos.models import Upload


class UploadBody(serializers.Serializer):
    file = serializers.FileField(allow_empty_file=True, max_length=None)
    file_type = serializers.CharField(max_length=16, default=Upload.Kind.IMAGE.value)


class UploadFile(APIView):
    """C08-C10: take an image or a clip."""

    needs_both = True

    parser_classes = (MultiPartParser,)

    def post(self, request: Request) -> Response:
        body = UploadBody(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        file: UploadedFile = asked["file"]
        user, key = fields.user_of(request), fields.request_key_of(request, asked)
        outcome = idempotency.run(key, partial(uploads.keep, user, file, asked["file_type"], key))
        upload = outcome.result
        answer = {
            "success": True,
            "file_url": uploads.url_of(upload),
            "storage_key": upload.file.name,
            "file_size": upload.size_bytes,
            "content_type": upload.content_type,
            "file_type": upload.kind,
            "message": f"{upload.get_kind_display()} uploaded successfully",
        }
        return Response(answer, headers=outcome.headers)


class UploadedContent(APIView):
    """A file, to the person who sent it."""

    def get(self, request: Request, upload_id: UUID) -> HttpResponseBase:
        upload = get_object_or_404(Upload.objects.of(fields.user_of(request)), pk=upload_id)
        file = files.Deliverable(
            name=str(upload.file.name),
            content_type=upload.content_type,
            filename=upload.name,
            etag=upload.pk.hex,
        )
        try:
            return files.deliver(
                request._request, file, attachment=upload.kind != Upload.Kind.IMAGE
            )
        except FileNotFoundError as error:
            raise NotFound("The file is no longer there.") from error

    head = get
