"""/api/exports: finished videos as files of other formats, each kept for some days."""

from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import Http404, HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib import idempotency
from config.lib.api.openapi import IDEMPOTENCY_KEY, errors, file_responses, request_example
from config.lib.api.pagination import LimitOffsetPagination, ListView
from config.lib.api.parsers import StrictJSONParser
from config.lib.api.serializers import refuse_doubles, validated
from config.lib.api.strict_fields import NumberField, WholeNumberField
from config.lib.web.responses import user_of
from videos.api import fields
from videos.api.content import AnyAccept
from videos.api.edits import EditFailureSerializer, MaxCreditsSerializer
from videos.api.serializers import library_id_field
from videos.editing import recipes
from videos.editing.exports import downloads, formats, orders, representation
from videos.models import MediaExport, MediaJob

EMBEDDED, BESIDE, NONE = "embedded", "beside", "none"


class CreateExportSerializer(MaxCreditsSerializer):
    """The `format` is one of `GET /api/exports/formats`.

    `fit` and `position` are for formats with an `aspect`: `crop` cuts the picture at a position
    from 0, left or top, to 1; `bars` shows it whole on black.
    """

    format = serializers.ChoiceField(list(formats.FORMATS))
    fit = serializers.ChoiceField(recipes.FITS, default="crop")
    position = NumberField(min_value=0, max_value=1, default=0.5)


class ExportFileSerializer(serializers.Serializer):
    """A finished file. `credentials` says where its manifest (C2PA) is: in it, beside it, or none.

    `url` and `credentials_url` need the same sign-in as this call.
    """

    name = serializers.CharField()
    media_type = serializers.CharField()
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    width = serializers.IntegerField(allow_null=True)
    height = serializers.IntegerField(allow_null=True)
    seconds = serializers.FloatField(allow_null=True)
    url = serializers.CharField()
    credentials = serializers.ChoiceField([EMBEDDED, BESIDE, NONE])
    credentials_url = serializers.CharField(allow_null=True)


class ExportSerializer(serializers.Serializer):
    """An export; times are in unix seconds. After `kept_until` it is gone."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(MediaJob.Status.values)
    progress = serializers.IntegerField(min_value=0, max_value=100)
    video_id = library_id_field()
    format = serializers.CharField()
    fit = serializers.ChoiceField(recipes.FITS, allow_null=True)
    position = serializers.FloatField(allow_null=True)
    credits = serializers.IntegerField()
    file = ExportFileSerializer(allow_null=True)
    kept_until = serializers.IntegerField(allow_null=True)
    failure = EditFailureSerializer(allow_null=True)
    created_at = serializers.IntegerField()
    started_at = serializers.IntegerField(allow_null=True)
    ended_at = serializers.IntegerField(allow_null=True)


class ExportsSerializer(serializers.Serializer):
    exports = ExportSerializer(many=True)
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()
    total = serializers.IntegerField()
    has_more = serializers.BooleanField()
    first_id = serializers.UUIDField(allow_null=True)
    last_id = serializers.UUIDField(allow_null=True)


class FormatSerializer(serializers.Serializer):
    """A format. `most_bytes` is the limit of an animation, which gets smaller until it fits."""

    name = serializers.CharField()
    group = serializers.ChoiceField(list(formats.GROUPS))
    label = serializers.CharField()  # type: ignore[assignment]
    about = serializers.CharField()
    media_type = serializers.CharField()
    suffix = serializers.CharField()
    aspect = serializers.ChoiceField(recipes.ASPECTS, allow_null=True)
    most_bytes = serializers.IntegerField(allow_null=True)
    credentials = serializers.ChoiceField([EMBEDDED, BESIDE])


class FormatsSerializer(serializers.Serializer):
    """`credits` is the price of an export, and `kept_seconds` how long its file is kept."""

    formats = FormatSerializer(many=True)
    credits = serializers.IntegerField()
    kept_seconds = serializers.IntegerField()


class FormatsView(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="list_export_formats",
        summary="List the formats that videos can be exported to",
        description="Only what this installation can encode.",
        auth=[],
        responses={200: FormatsSerializer},
    )
    def get(self, request: Request) -> Response:
        offered = [representation.offered_format(form) for form in formats.offered()]
        kept = int(settings.EXPORT_KEPT.total_seconds())
        return Response({"formats": offered, "credits": orders.price(), "kept_seconds": kept})


class CreateExportView(APIView):
    """Order an export; the same export is made once while it is kept, and charged once."""

    needs_key_and_token = True
    rate = "generate"
    parser_classes = (StrictJSONParser,)

    @extend_schema(
        operation_id="export_video",
        summary="Export a finished video to a file of another format",
        parameters=[IDEMPOTENCY_KEY],
        request=CreateExportSerializer,
        responses={201: ExportSerializer, **errors(400, 402, 403, 409)},
        examples=request_example({"format": "vertical", "fit": "crop", "position": 0.5}),
    )
    def post(self, request: Request, video_id: UUID) -> Response:
        video = fields.get_own_video(request, video_id)
        asked = validated(CreateExportSerializer, request.data)
        key = fields.request_key_of(request, asked)
        options = orders.Options(asked["format"], asked["fit"], asked["position"])
        order = partial(
            orders.submit, user_of(request), video, options, key,
            api_key_id=fields.api_key_id_of(request), max_credits=asked.get("max_credits"),
        )  # fmt: skip
        outcome = idempotency.run(key, order)
        row = get_object(MediaExport.objects.filter(user_id=user_of(request).pk), outcome.result.pk)
        return Response(representation.export(row), status=201, headers=outcome.headers)


def get_object(rows: QuerySet[MediaExport], pk: UUID) -> MediaExport:
    """The export with this id among these. Raises Http404."""
    if row := rows.select_related("job", "video").filter(pk=pk).first():
        return row
    raise Http404


class ExportQuerySerializer(serializers.Serializer):
    limit = WholeNumberField(min_value=1, max_value=100, default=50)
    offset = WholeNumberField(min_value=0, max_value=10_000, required=False)
    after = serializers.UUIDField(required=False)
    order = serializers.ChoiceField(["asc", "desc"], default="desc")
    status = serializers.ChoiceField(MediaJob.Status.values, required=False)
    video_id = fields.VideoIdField(required=False)


@extend_schema_view(
    get=extend_schema(
        operation_id="list_exports",
        summary="List your exports that are kept, newest first",
        parameters=[ExportQuerySerializer],
        responses={200: ExportsSerializer, **errors(400)},
    )
)
class ExportListView(ListView):
    queryset = MediaExport.objects.none()
    query_serializer_class = ExportQuerySerializer
    pagination_class = LimitOffsetPagination
    results_field = "exports"

    def get_queryset(self) -> QuerySet[MediaExport]:
        rows = MediaExport.objects.of(user_of(self.request))
        if status := self.query.get("status"):
            rows = rows.filter(job__status=status)
        if video_id := self.query.get("video_id"):
            rows = rows.filter(video_id=video_id)
        return rows.select_related("job", "video")

    def rows_to_continue_after(self) -> QuerySet[MediaExport]:
        return MediaExport.objects.filter(user_id=user_of(self.request).pk)

    def represent(self, page: list[MediaExport]) -> Any:
        return [representation.export(row) for row in page]


class ExportView(APIView):
    """What the views of one export share."""

    def find(self, request: Request, export_id: UUID) -> MediaExport:
        return get_object(MediaExport.objects.of(user_of(request)), export_id)


class ExportDetailView(ExportView):
    @extend_schema(
        operation_id="get_export", summary="Get one export", responses={200: ExportSerializer}
    )
    def get(self, request: Request, export_id: UUID) -> Response:
        return Response(representation.export(self.find(request, export_id)))

    @extend_schema(
        operation_id="delete_export",
        summary="Delete an export and its file; one that waits or runs is cancelled first",
        request=None,
        responses={204: None, **errors(400)},
    )
    def delete(self, request: Request, export_id: UUID) -> Response:
        orders.delete(self.find(request, export_id))
        return Response(status=204)


class CancelExportView(ExportView):
    @extend_schema(
        operation_id="cancel_export",
        summary="Cancel an export that waits or runs; its credits are returned",
        request=None,
        responses={200: ExportSerializer, **errors(400)},
    )
    def post(self, request: Request, export_id: UUID) -> Response:
        orders.cancel(self.find(request, export_id).job)
        return Response(representation.export(self.find(request, export_id)))


class ExportContentQuerySerializer(serializers.Serializer):
    variant = serializers.ChoiceField(downloads.VARIANTS, default=downloads.FILE)


class ExportContentView(ExportView):
    content_negotiation_class = AnyAccept
    free_for_pages = True

    @extend_schema(
        operation_id="get_export_content",
        summary="Download the file of an export, or the manifest beside it",
        parameters=[ExportContentQuerySerializer],
        responses=file_responses(),
    )
    def get(self, request: Request, export_id: UUID) -> HttpResponseBase:
        refuse_doubles(ExportContentQuerySerializer, request.query_params)
        query = ExportContentQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        row = self.find(request, export_id)
        try:
            return downloads.response(request._request, row, query.validated_data["variant"])
        except FileNotFoundError as error:
            raise NotFound("There is no such file.") from error

    head = get
