"""/api/edits: trim, join, reframe and change finished videos; each edit makes a new version."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib import idempotency
from config.lib.api.openapi import IDEMPOTENCY_KEY, errors, request_example
from config.lib.api.pagination import LimitOffsetPagination, ListView
from config.lib.api.parsers import StrictJSONParser
from config.lib.api.serializers import validated
from config.lib.api.strict_fields import NumberField, TextField, WholeNumberField
from config.lib.web.responses import user_of
from videos.api import fields
from videos.api.serializers import library_id_field
from videos.editing import jobs, recipes, representation
from videos.editing.recipes import Join, Recipe, Reframe, Sound, Trim
from videos.library import own_videos
from videos.media import upload_urls
from videos.models import MediaJob, Upload, Video
from videos.models.price import MAX_CREDITS


def _time(**kwargs: Any) -> NumberField:
    return NumberField(min_value=0, max_value=recipes.LATEST, **kwargs)


class TrimSerializer(serializers.Serializer):
    """The part that stays, in seconds; without `end` to the end. Exact to the frame."""

    start = _time(default=0.0)
    end = _time(required=False, allow_null=True)


class JoinSerializer(serializers.Serializer):
    """The videos that follow, each whole; `crossfade` is in seconds.

    All get the size of the first video: `bars` shows them whole, `crop` fills the picture.
    """

    videos = serializers.ListField(child=fields.VideoIdField(), min_length=1, max_length=100)
    fit = serializers.ChoiceField(recipes.FITS, default="bars")
    crossfade = NumberField(min_value=0, max_value=recipes.LONGEST_CROSSFADE, default=0.0)


class ReframeSerializer(serializers.Serializer):
    """Another shape; `position` says which part stays of a crop: 0 is left or top, 1 the other."""

    aspect = serializers.ChoiceField(recipes.ASPECTS)
    fit = serializers.ChoiceField(recipes.FITS, default="crop")
    position = NumberField(min_value=0, max_value=1, default=0.5)


class SoundSerializer(serializers.Serializer):
    """A sound file that was uploaded with `file_type=audio`, and how it is added; in seconds.

    `offset` is where it begins in the film; a negative one leaves out its own beginning. It ends
    with the film, and begins again with `repeat`. `own_volume` is that of the film in a mix.
    """

    file_url = TextField(max_length=500)
    mode = serializers.ChoiceField(recipes.MODES, default="replace")
    offset = NumberField(min_value=-recipes.LATEST, max_value=recipes.LATEST, default=0.0)
    volume = NumberField(min_value=0, max_value=recipes.LOUDEST, default=1.0)
    own_volume = NumberField(min_value=0, max_value=recipes.LOUDEST, default=1.0)
    fade_in = NumberField(min_value=0, max_value=recipes.LONGEST_FADE, default=0.0)
    fade_out = NumberField(min_value=0, max_value=recipes.LONGEST_FADE, default=0.0)
    repeat = serializers.BooleanField(default=False)


class MaxCreditsSerializer(serializers.Serializer):
    """If an edit costs more than `max_credits`, the answer is 409."""

    max_credits = WholeNumberField(min_value=0, max_value=MAX_CREDITS, required=False)


class CreateEditSerializer(MaxCreditsSerializer):
    """What to change. Whatever their order here, the operations are done in this one:

    trim, join, reframe, speed, loop, sound, poster. `poster` is the moment, in seconds of the
    finished film, that the thumbnail shows.
    """

    trim = TrimSerializer(required=False)
    join = JoinSerializer(required=False)
    reframe = ReframeSerializer(required=False)
    speed = NumberField(min_value=recipes.SLOWEST, max_value=recipes.FASTEST, default=1.0)
    loop = WholeNumberField(min_value=1, max_value=recipes.MOST_LOOPS, default=1)
    mute = serializers.BooleanField(default=False)
    sound = SoundSerializer(required=False)
    poster = _time(required=False)


class EditFailureSerializer(serializers.Serializer):
    """`refunded` is the number of credits that were given back."""

    code = serializers.CharField()
    message = serializers.CharField()
    refunded = serializers.IntegerField()


class EditSerializer(serializers.Serializer):
    """An edit; times are in unix seconds. `result_id` is the id of the video that it has made."""

    id = serializers.UUIDField()
    status = serializers.ChoiceField(MediaJob.Status.values)
    progress = serializers.IntegerField(min_value=0, max_value=100)
    video_id = library_id_field()
    videos = serializers.ListField(child=library_id_field())
    recipe = serializers.DictField(help_text="What it changes, with all defaults.")
    credits = serializers.IntegerField()
    result_id = library_id_field(allow_null=True)
    failure = EditFailureSerializer(allow_null=True)
    retry_of = serializers.UUIDField(allow_null=True)
    created_at = serializers.IntegerField()
    started_at = serializers.IntegerField(allow_null=True)
    ended_at = serializers.IntegerField(allow_null=True)


class EditsSerializer(serializers.Serializer):
    edits = EditSerializer(many=True)
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()
    total = serializers.IntegerField()
    has_more = serializers.BooleanField()
    first_id = serializers.UUIDField(allow_null=True)
    last_id = serializers.UUIDField(allow_null=True)


@extend_schema_view(
    post=extend_schema(
        operation_id="edit_video",
        summary="Edit a finished video into a new version",
        parameters=[IDEMPOTENCY_KEY],
        request=CreateEditSerializer,
        responses={201: EditSerializer, **errors(400, 402, 403, 409)},
        examples=request_example(
            {"trim": {"start": 0.5, "end": 3.5}, "reframe": {"aspect": "9:16"}, "speed": 0.5}
        ),
    )
)
class CreateEditView(APIView):
    """Order an edit; it is made in the background, and the video itself is never changed."""

    needs_key_and_token = True
    rate = "generate"
    parser_classes = (StrictJSONParser,)

    def post(self, request: Request, video_id: UUID) -> Response:
        video = fields.get_own_video(request, video_id)
        _refuse_unknown(request.data)
        asked = validated(CreateEditSerializer, request.data)
        key = fields.request_key_of(request, asked)
        outcome = idempotency.run(key, partial(_order, request, video, asked, key))
        return Response(representation.edit(outcome.result), status=201, headers=outcome.headers)


def _refuse_unknown(sent: Any) -> None:
    """Refuse fields that an edit has not: one that is misspelled would be charged and not done."""
    known = CreateEditSerializer().fields
    unknown = [name for name in sent if name not in known] if isinstance(sent, dict) else []
    if unknown:
        raise ValidationError({str(name)[:64]: ["An edit has no such field."] for name in unknown})


def _order(
    request: Request, video: Video, asked: dict[str, Any], key: idempotency.RequestKey | None
) -> MediaJob:
    user = user_of(request)
    others = [_other(request, pk) for pk in asked.get("join", {}).get("videos", [])]
    order = jobs.EditOrder(
        [video, *others],
        _recipe(asked),
        _sound(request, asked),
        api_key_id=fields.api_key_id_of(request),
        max_credits=asked.get("max_credits"),
    )
    return jobs.submit(user, order, key)


def _other(request: Request, video_id: UUID) -> Video:
    if video := own_videos.find(user_of(request), video_id):
        return video
    raise ValidationError({"join": {"videos": ["No such video."]}})


def _sound(request: Request, asked: dict[str, Any]) -> Upload | None:
    if "sound" not in asked:
        return None
    if found := upload_urls.find_sound(user_of(request), asked["sound"]["file_url"]):
        return found
    raise ValidationError({"sound": {"file_url": ["No sound file of yours has this address."]}})


def _recipe(asked: dict[str, Any]) -> Recipe:
    """The recipe in a validated body."""
    parts: dict[str, Any] = {}
    for name, kind in (("trim", Trim), ("join", Join), ("reframe", Reframe), ("sound", Sound)):
        if name in asked:
            given = {k: v for k, v in asked[name].items() if k not in {"videos", "file_url"}}
            parts[name] = kind(**given)
    return Recipe(
        **parts,
        speed=asked["speed"],
        loops=asked["loop"],
        mute=asked["mute"],
        poster=asked.get("poster"),
    )


class EditQuerySerializer(serializers.Serializer):
    limit = WholeNumberField(min_value=1, max_value=100, default=50)
    offset = WholeNumberField(min_value=0, max_value=10_000, required=False)
    after = serializers.UUIDField(required=False)
    order = serializers.ChoiceField(["asc", "desc"], default="desc")
    status = serializers.ChoiceField(MediaJob.Status.values, required=False)


@extend_schema_view(
    get=extend_schema(
        operation_id="list_edits",
        summary="List your edits, newest first",
        parameters=[EditQuerySerializer],
        responses={200: EditsSerializer, **errors(400)},
    )
)
class EditListView(ListView):
    queryset = MediaJob.objects.none()
    query_serializer_class = EditQuerySerializer
    pagination_class = LimitOffsetPagination
    results_field = "edits"

    def get_queryset(self) -> QuerySet[MediaJob]:
        rows = MediaJob.objects.of(user_of(self.request)).filter(kind=MediaJob.Kind.EDIT)
        if status := self.query.get("status"):
            rows = rows.filter(status=status)
        return rows.prefetch_related("sources")

    def rows_to_continue_after(self) -> QuerySet[MediaJob]:
        return MediaJob.objects.of(user_of(self.request))

    def represent(self, page: list[MediaJob]) -> Any:
        return [representation.edit(job) for job in page]


class EditView(APIView):
    """What the views of one edit share."""

    def find(self, request: Request, edit_id: UUID) -> MediaJob:
        rows = MediaJob.objects.of(user_of(request)).filter(kind=MediaJob.Kind.EDIT)
        if job := rows.filter(pk=edit_id).first():
            return job
        raise Http404


class EditDetailView(EditView):
    @extend_schema(operation_id="get_edit", summary="Get one edit", responses={200: EditSerializer})
    def get(self, request: Request, edit_id: UUID) -> Response:
        return Response(representation.edit(self.find(request, edit_id)))


class CancelEditView(EditView):
    @extend_schema(
        operation_id="cancel_edit",
        summary="Cancel an edit that waits or runs; its credits are returned",
        request=None,
        responses={200: EditSerializer, **errors(400)},
    )
    def post(self, request: Request, edit_id: UUID) -> Response:
        jobs.cancel(self.find(request, edit_id))
        return Response(representation.edit(self.find(request, edit_id)))


class RetryEditView(EditView):
    needs_key_and_token = True
    rate = "generate"
    parser_classes = (StrictJSONParser,)

    @extend_schema(
        operation_id="retry_edit",
        summary="Order an edit again that failed or was cancelled",
        parameters=[IDEMPOTENCY_KEY],
        request=MaxCreditsSerializer,
        responses={201: EditSerializer, **errors(400, 402, 403, 409)},
        examples=request_example({"max_credits": 5}),
    )
    def post(self, request: Request, edit_id: UUID) -> Response:
        job = self.find(request, edit_id)
        asked = validated(MaxCreditsSerializer, request.data or {})
        key = fields.request_key_of(request, asked)
        again = partial(
            jobs.retry, user_of(request), job, key,
            api_key_id=fields.api_key_id_of(request), max_credits=asked.get("max_credits"),
        )  # fmt: skip
        outcome = idempotency.run(key, again)
        return Response(representation.edit(outcome.result), status=201, headers=outcome.headers)
