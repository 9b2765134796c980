"""The bodies of requests and answers about storyboards."""

from typing import Any

from rest_framework import serializers

from config.lib.api.strict_fields import (
    MultilineTextField,
    NumberField,
    TextField,
    UUIDField,
    WholeNumberField,
)
from videos.api import fields
from videos.api.edits import EditSerializer
from videos.api.order_choices import ModelField, SecondsField, SizeField
from videos.api.serializers import VideoSerializer, library_id_field
from videos.editing import recipes
from videos.models.price import MAX_CREDITS
from videos.models.storyboard import STYLE_MAX
from videos.representations import LIBRARY_STATUS
from videos.storyboards import shots


class BoardChangeSerializer(serializers.Serializer):
    """What all shots share. `style` follows each prompt; empty texts are the defaults."""

    title = TextField(max_length=80, required=False)
    style = MultilineTextField(  # type: ignore[assignment]
        max_length=STYLE_MAX, required=False, allow_blank=True
    )
    model = ModelField(required=False, allow_blank=True)
    size = SizeField(required=False, allow_blank=True)


class CreateBoardSerializer(BoardChangeSerializer):
    title = TextField(max_length=80)


class NewShotSerializer(serializers.Serializer):
    """A shot. `continues` begins it with the last frame of the shot before it.

    Without `model` and `seconds` it has those of the storyboard and of its model. `first_image_url`
    is the `file_url` of an image that was uploaded; null takes it away.
    """

    prompt = MultilineTextField(max_length=shots.PROMPT_MAX)
    seconds = SecondsField(required=False, allow_null=True)
    model = ModelField(required=False, allow_blank=True)
    first_image_url = TextField(max_length=500, required=False, allow_null=True)
    continues = serializers.BooleanField(required=False)

    def validate(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Refuse a shot with two beginnings."""
        if asked.get("continues") and asked.get("first_image_url"):
            text = "A shot begins with an image or with a frame, not with both."
            raise serializers.ValidationError({"first_image_url": [text]})
        return asked


class ShotChangeSerializer(NewShotSerializer):
    """Any of these fields. `position` counts from 1, and `picked` is the id of a finished take."""

    prompt = MultilineTextField(max_length=shots.PROMPT_MAX, required=False)
    position = WholeNumberField(min_value=1, max_value=1000, required=False)
    picked = fields.VideoIdField(required=False)


class GenerateSerializer(fields.PriceLimitSerializer):
    """`shots` are ids; without them every shot is generated that has no take yet."""

    expected_credits = WholeNumberField(min_value=0, max_value=MAX_CREDITS, required=False)
    max_credits = WholeNumberField(min_value=0, max_value=MAX_CREDITS, required=False)
    shots = serializers.ListField(child=UUIDField(), min_length=1, max_length=100, required=False)
    dry_run = serializers.BooleanField(default=False)


class FilmSerializer(serializers.Serializer):
    """How the takes are joined; `crossfade` is in seconds. `fit` is about other shapes."""

    crossfade = NumberField(min_value=0, max_value=recipes.LONGEST_CROSSFADE, default=0.0)
    fit = serializers.ChoiceField(recipes.FITS, default="bars")
    max_credits = WholeNumberField(min_value=0, max_value=MAX_CREDITS, required=False)


class BoardSummarySerializer(serializers.Serializer):
    """A storyboard; times are in unix seconds."""

    id = serializers.UUIDField()
    title = serializers.CharField()
    style = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    model = serializers.CharField(allow_blank=True)
    size = serializers.CharField(allow_blank=True)
    shot_count = serializers.IntegerField()
    created_at = serializers.IntegerField()
    updated_at = serializers.IntegerField()


class BoardsSerializer(serializers.Serializer):
    storyboards = BoardSummarySerializer(many=True)


class ShotTakeSerializer(serializers.Serializer):
    """A video that was ordered for a shot."""

    video_id = library_id_field()
    status = serializers.ChoiceField(sorted(set(LIBRARY_STATUS.values())))
    progress = serializers.IntegerField(min_value=0, max_value=100)
    credits = serializers.IntegerField()
    created_at = serializers.IntegerField()


class ShotSerializer(serializers.Serializer):
    """A shot with its takes, newest first. `credits` is the price of one more take.

    `waits_for` is the position of the shot that needs a finished take first, and `obstacle` says
    why the shot cannot be ordered now.
    """

    id = serializers.UUIDField()
    position = serializers.IntegerField()
    prompt = serializers.CharField()
    seconds = serializers.IntegerField(allow_null=True)
    model = serializers.CharField(allow_blank=True)
    continues = serializers.BooleanField()
    first_image_url = serializers.CharField(allow_null=True)
    takes = ShotTakeSerializer(many=True)
    picked = library_id_field(allow_null=True)
    credits = serializers.IntegerField(allow_null=True)
    waits_for = serializers.IntegerField(allow_null=True)
    obstacle = serializers.CharField(allow_null=True)


class BoardSerializer(BoardSummarySerializer):
    """A storyboard with its shots; `credits` is what it costs to generate all that is due."""

    shots = ShotSerializer(many=True)
    credits = serializers.IntegerField()
    film = EditSerializer(allow_null=True)


class ShotPriceSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    position = serializers.IntegerField()
    credits = serializers.IntegerField()


class ShotLeftOutSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    position = serializers.IntegerField()
    reason = serializers.CharField()


class PricesSerializer(serializers.Serializer):
    """What `generate` would order and cost; `available_after` may be negative."""

    shots = ShotPriceSerializer(many=True)
    left_out = ShotLeftOutSerializer(many=True)
    credits = serializers.IntegerField()
    available = serializers.IntegerField()
    available_after = serializers.IntegerField()


class GeneratedSerializer(serializers.Serializer):
    """The videos that were ordered, in the order of the shots, and what they cost together."""

    videos = VideoSerializer(many=True)
    credits = serializers.IntegerField()
