"""/api/videos/batch: check, price and order many videos at once, all of them or none."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import prefetch_related_objects
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, Throttled, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib import idempotency, rate_limits
from config.lib.api import field_errors
from config.lib.api.openapi import IDEMPOTENCY_KEY, errors, request_example
from config.lib.api.parsers import BATCH_BYTES, StrictJSONParser
from config.lib.api.serializers import FieldErrorSerializer, validated
from config.lib.web.responses import user_of
from videos import representations
from videos.api import fields
from videos.api.serializers import VideoSerializer
from videos.jobs import batches, orders, queue
from videos.jobs.batches import CheckedBatch, CheckedLine, Fault, FaultyLines, Line
from videos.models import Video

IMAGES = ("input_reference", "last_image", "reference_images")
NO_IMAGES = "A batch takes no images. Order this video with POST /api/videos."


class BatchParser(StrictJSONParser):
    max_bytes = BATCH_BYTES


class BatchLineSerializer(
    fields.ModelChoiceSerializer, fields.ChoicesSerializer, fields.PriceTermsSerializer
):
    """An order as of `POST /api/videos`, without images."""

    prompt = fields.prompt_field()
    webhook_url = fields.WebhookUrlField(required=False, allow_blank=True)


class BatchTermsSerializer(fields.PriceLimitSerializer):
    """What is said of the whole batch."""

    dry_run = serializers.BooleanField(default=False)


class BatchReader(BatchTermsSerializer):
    """Reads a batch; each line is read by itself, so that the faults of all are found."""

    videos = serializers.ListField(child=serializers.JSONField(), min_length=1)

    def validate_videos(self, lines: list[Any]) -> list[Any]:
        """Refuse more lines than BATCH_LINES."""
        try:
            batches.check_length(len(lines))
        except batches.TooManyLines as error:
            text = f"A batch has at most {error.most} videos; these are {error.count}."
            raise ValidationError(text, code="max_length") from error
        return lines


class BatchRequestSerializer(BatchTermsSerializer):
    """`expected_credits` and `max_credits` are about the total; those of a line are about it."""

    videos = BatchLineSerializer(many=True)


class CheckedLineSerializer(serializers.Serializer):
    """`credits` is null for a line with errors."""

    credits = serializers.IntegerField(allow_null=True)
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]


class CheckedBatchSerializer(serializers.Serializer):
    """`credits` is the price of the lines without errors; `available_after` may be negative."""

    lines = CheckedLineSerializer(many=True)
    credits = serializers.IntegerField()
    faulty = serializers.IntegerField()
    available = serializers.IntegerField()
    available_after = serializers.IntegerField()


class OrderedBatchSerializer(serializers.Serializer):
    """`videos` are in the order of the lines, and `credits` is what they cost together."""

    videos = VideoSerializer(many=True)
    credits = serializers.IntegerField()


class ReadLine(NamedTuple):
    """A line for the domain, and what was read of it, for the idempotency key."""

    line: Line
    values: dict[str, Any]


class BatchView(APIView):
    """Order up to BATCH_LINES videos, all of them or none; or only say what each would cost."""

    needs_key_and_token = True
    parser_classes = (BatchParser,)

    @extend_schema(
        operation_id="create_videos",
        summary="Order many videos, all of them or none",
        parameters=[IDEMPOTENCY_KEY],
        request=BatchRequestSerializer,
        responses={
            200: CheckedBatchSerializer,
            201: OrderedBatchSerializer,
            **errors(400, 402, 403, 409, 503),
        },
        examples=request_example(
            {
                "videos": [
                    {"prompt": fields.EXAMPLE_PROMPT, "seconds": 8},
                    {"prompt": "The same boat in the rain", "size": "720x1280"},
                ],
                "max_credits": 60,
            }
        ),
    )
    def post(self, request: Request) -> Response:
        asked = validated(BatchReader, request.data)
        api_key_id = fields.api_key_id_of(request)
        read = [_read_line(line, api_key_id) for line in asked.pop("videos")]
        batch = batches.check(user_of(request), [one.line for one in read])
        if asked.pop("dry_run"):
            return Response(_checked(batch))
        try:
            return _order(request, batch, asked, [one.values for one in read])
        except FaultyLines as faulty:
            raise _refusal(faulty.batch.lines) from faulty


def _order(
    request: Request, batch: CheckedBatch, asked: dict[str, Any], values: list[dict[str, Any]]
) -> Response:
    user = user_of(request)
    request_key = fields.request_key_of(request, {**asked, "videos": values})
    limit = fields.pop_price_terms(asked).max_credits

    def order() -> Video:
        batches.refuse_impossible(batch, limit)
        try:
            rate_limits.use("batch", user, len(batch.lines))
        except rate_limits.TooManyAttempts as error:
            raise Throttled(wait=error.wait) from error
        return batches.order(user, batch, limit, request_key)

    outcome = idempotency.run(request_key, order)
    videos = batches.videos_of(outcome.result, len(batch.lines))
    queue.add_positions(videos)
    prefetch_related_objects(videos, "tags")
    shown = [representations.library_video(video) for video in videos]
    body = {"videos": shown, "credits": sum(video.credits for video in videos)}
    return Response(body, status=201, headers=outcome.headers)


def _read_line(sent: Any, api_key_id: Any) -> ReadLine:
    """Read what can be read of a line; what cannot be is a fault and left out."""
    found = _faults_of_images(sent)
    values: dict[str, Any] = {}
    try:
        values = validated(BatchLineSerializer, sent)
    except ValidationError as error:
        found += _faults_of(error)
        if isinstance(sent, dict):
            wrong = {fault.field for fault in found}
            rest = {name: value for name, value in sent.items() if name not in wrong}
            # A line without a prompt is not read; this one stands for a prompt that was refused.
            values = validated(BatchLineSerializer, {"prompt": "-", **rest})
    given = dict(values)
    terms = fields.pop_price_terms(given)
    choices = fields.pop_choices(given)
    order = orders.VideoOrder(
        given.pop("prompt", ""), **given, choices=choices, api_key_id=api_key_id, terms=terms
    )
    return ReadLine(Line(order, tuple(found)), values)


def _faults_of_images(sent: Any) -> list[Fault]:
    given = [name for name in IMAGES if isinstance(sent, dict) and sent.get(name) is not None]
    return [Fault(name, NO_IMAGES) for name in given]


def _faults_of(error: ValidationError) -> list[Fault]:
    details: Any = error.get_full_details()
    return [
        Fault(name, str(one["message"]), str(one["code"]))
        for name, found in details.items()
        for one in found
    ]


def _refusal(lines: Sequence[CheckedLine]) -> ValidationError:
    """Return the 422 that names every faulty line by its index."""
    faulty: dict[Any, Any] = {
        index: _details(line) for index, line in enumerate(lines) if line.faults
    }
    return ValidationError({"videos": faulty})


def _details(line: CheckedLine) -> dict[str, list[ErrorDetail]]:
    details: dict[str, list[ErrorDetail]] = {}
    for fault in line.faults:
        details.setdefault(fault.field, []).append(ErrorDetail(fault.message, fault.code))
    return details


def _checked(batch: CheckedBatch) -> dict[str, Any]:
    """Return the answer of a dry run."""
    lines = [
        {
            "credits": line.credits,
            "errors": field_errors.of(ValidationError(_details(line)), "body", "videos", index),
        }
        for index, line in enumerate(batch.lines)
    ]
    return {
        "lines": lines,
        "credits": batch.total,
        "faulty": batch.faulty,
        "available": batch.available,
        "available_after": batch.available_after,
    }
