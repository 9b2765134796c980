"""/api/verify: what a file says of its origin, and whether it was made here; for anybody."""

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib.api.openapi import errors
from config.lib.api.parsers import StrictMultiPartParser
from config.lib.api.serializers import validated
from videos.credentials import verification
from videos.credentials.verification import Finding


class FileToVerifySerializer(serializers.Serializer):
    file = serializers.FileField(allow_empty_file=True, max_length=None)


class ActionSerializer(serializers.Serializer):
    """Something that was done to the file, by the name that C2PA has for it."""

    action = serializers.CharField()
    description = serializers.CharField(allow_blank=True)


class IngredientSerializer(serializers.Serializer):
    """A file from which this one was made; `signed_by` is "" where it had no manifest."""

    title = serializers.CharField(allow_blank=True)
    relationship = serializers.CharField(allow_blank=True)
    signed_by = serializers.CharField(allow_blank=True)
    generator = serializers.CharField(allow_blank=True)


class CredentialsSerializer(serializers.Serializer):
    """What the manifest says. Anybody can write a manifest: believe it as far as its signer.

    `made_at` is the time of the first action as the file tells it, in ISO 8601.
    `state` is `trusted` when a certificate that the operator trusts vouches for the signer, `valid`
    when file and signature fit each other, and `invalid` when the file was changed afterwards.
    """

    state = serializers.ChoiceField(["trusted", "valid", "invalid"])
    signed_by = serializers.CharField(allow_blank=True)
    signed_here = serializers.BooleanField()
    generator = serializers.CharField(allow_blank=True)
    made_by_ai = serializers.BooleanField()
    made_at = serializers.CharField(allow_blank=True)
    model = serializers.CharField(allow_blank=True)
    engine = serializers.CharField(allow_blank=True)
    prompt = serializers.CharField(allow_blank=True)
    actions = ActionSerializer(many=True)
    ingredients = IngredientSerializer(many=True)


class VerifiedSerializer(serializers.Serializer):
    """`recognised_by` says how we know that the file was made here; null when it was not.

    `manifest`: we signed it, and it is unaltered. `bytes`: exactly this file is stored here.
    `frames`: it looks the same as a video that was made here. `credentials` is null for a file
    without a manifest.
    """

    made_here = serializers.BooleanField()
    recognised_by = serializers.ChoiceField(["manifest", "bytes", "frames"], allow_null=True)
    sha256 = serializers.CharField()
    credentials = CredentialsSerializer(allow_null=True)


EXAMPLE = {
    "made_here": True,
    "recognised_by": "manifest",
    "sha256": "0f343b0931126a20f133d67c2b018a3b5f4a1a0e1f6f0b6f4a7d2f9d8c1b2a30",
    "credentials": {
        "state": "valid",
        "signed_by": "Firstlight content credentials",
        "signed_here": True,
        "generator": "Firstlight 0.2.0",
        "made_by_ai": True,
        "made_at": "2026-12-01T09:30:00+00:00",
        "model": "sora-2",
        "engine": "openai",
        "prompt": "",
        "actions": [{"action": "c2pa.created", "description": ""}],
        "ingredients": [],
    },
}


class VerifyView(APIView):
    """Check where a file comes from; public, and the file is not kept."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (StrictMultiPartParser,)

    @extend_schema(
        operation_id="verify_file",
        summary="Read the content credentials of a file, and whether it was made here",
        request=FileToVerifySerializer,
        responses={200: VerifiedSerializer, **errors(400, 413)},
        examples=[OpenApiExample("A file from here", EXAMPLE, response_only=True)],
    )
    def post(self, request: Request) -> Response:
        verification.count(request._request)
        file: UploadedFile = validated(FileToVerifySerializer, request.data)["file"]
        return Response(_body(verification.verify(file)))


def _body(finding: Finding) -> dict[str, Any]:
    said = finding.manifest
    credentials = said and {
        "state": said["state"].lower(),
        "signed_by": said["signer"],
        "signed_here": finding.is_signed_here,
        "generator": said["generator"],
        "made_by_ai": said["by_ai"],
        **{name: said[name] for name in ("made_at", "model", "engine", "prompt", "actions")},
        "ingredients": [
            {
                **{name: each[name] for name in ("title", "relationship", "generator")},
                "signed_by": each["signer"],
            }
            for each in said["ingredients"]
        ],
    }
    return {
        "made_here": bool(finding.recognised_by),
        "recognised_by": finding.recognised_by or None,
        "sha256": finding.sha256,
        "credentials": credentials,
    }
