"""/api/models: the models that are offered, with what they make and what it costs."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from videos.api import fields
from videos.catalog import offers, pauses, prices
from videos.catalog.entries import Model
from videos.catalog.reading import catalog


class SizeSerializer(serializers.Serializer):
    size = serializers.CharField()
    aspect = serializers.CharField()
    resolution = serializers.CharField()


class RateSerializer(serializers.Serializer):
    """Credits of one unit for each resolution, as decimal texts."""

    text = serializers.DictField(child=serializers.CharField())
    image = serializers.DictField(child=serializers.CharField())
    silent = serializers.DictField(child=serializers.CharField(), allow_null=True)


class ModelPriceSerializer(serializers.Serializer):
    """`unit` is "second", or "clip" for a video of up to `up_to_seconds`, pro rata beyond.

    A price is rounded up to whole credits and is at least `minimum`.
    """

    unit = serializers.ChoiceField(["clip", "second"])
    up_to_seconds = serializers.IntegerField(allow_null=True)
    minimum = serializers.IntegerField()
    rates = RateSerializer()


class ModelDefaultSerializer(serializers.Serializer):
    """What an order gets that leaves the size and the length out, and what it costs in credits."""

    size = serializers.CharField()
    seconds = serializers.IntegerField()
    credits = serializers.IntegerField()


class ModelSerializer(serializers.Serializer):
    """A model; `example` is the body of an order for it, `sunset` the first day without it.

    `max_references` is how many reference images an order may have in the mode `reference`.
    `paused` says why it takes no orders at the moment; null when it takes them.
    """

    id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    note = serializers.CharField()
    quality = serializers.CharField()
    modes = serializers.ListField(child=serializers.CharField())
    max_references = serializers.IntegerField()
    sizes = SizeSerializer(many=True)
    seconds = serializers.ListField(child=serializers.IntegerField())
    default = ModelDefaultSerializer()
    audio = serializers.ChoiceField(["none", "always", "optional"])
    takes = serializers.ListField(child=serializers.CharField())
    price = ModelPriceSerializer()
    example = serializers.DictField()
    sunset = serializers.DateField(allow_null=True)
    replacement = serializers.CharField(allow_null=True)
    paused = serializers.CharField(allow_null=True)


class AliasSerializer(serializers.Serializer):
    """Another word for a model, with what an order under this word costs."""

    model = serializers.CharField()
    default = ModelDefaultSerializer()
    price = ModelPriceSerializer()


class ModelsSerializer(serializers.Serializer):
    """`aliases` are other words that an order may use for a model, `qualities` those of tasks.

    Words for models that no engine makes are left out.
    """

    models = ModelSerializer(many=True)
    aliases = serializers.DictField(child=AliasSerializer())
    qualities = serializers.DictField(child=serializers.CharField())


class ModelsView(APIView):
    """The models that can be ordered; public."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="list_models",
        summary="List the models, what they make and what it costs",
        responses={200: ModelsSerializer},
    )
    def get(self, request: Request) -> Response:
        now, known, paused = prices.current(), catalog(), pauses.sentences()
        body = {
            "models": [
                {**_describe(model, now), "paused": paused.get(model.id)}
                for model in offers.offered()
            ],
            "aliases": {
                word: {"model": alias.model, **_describe_price(offers.find(word), word, now)}
                for word, alias in known.aliases.items()
                if offers.is_available(word)
            },
            "qualities": {
                quality: word
                for quality, word in known.qualities.items()
                if offers.is_available(word)
            },
        }
        return Response(body)


def _describe(model: Model, now: prices.PriceList) -> dict[str, Any]:
    return {
        "id": model.id,
        "label": model.label,
        "note": model.note,
        "quality": model.quality,
        "modes": list(model.modes),
        "max_references": model.max_references,
        "sizes": [
            {"size": frame.size, "aspect": frame.aspect, "resolution": frame.resolution}
            for frame in model.frames
        ],
        "seconds": list(model.lengths),
        **_describe_price(model, model.id, now),
        "audio": model.audio,
        "takes": list(model.takes),
        "example": {
            "prompt": fields.EXAMPLE_PROMPT,
            "model": model.id,
            "size": model.default_size,
            "seconds": model.default_seconds,
        },
        "sunset": model.sunset,
        "replacement": model.replacement or None,
    }


def _describe_price(model: Model, word: str, now: prices.PriceList) -> dict[str, Any]:
    """The price under a word for the model, and what an order costs that leaves the rest out."""
    rule = prices.rule_of(word) or model.price
    return {
        "default": {
            "size": model.default_size,
            "seconds": model.default_seconds,
            "credits": now.of_default(model, word),
        },
        "price": {
            "unit": rule.per,
            "up_to_seconds": rule.seconds if rule.per == "clip" else None,
            "minimum": rule.minimum,
            "rates": {
                **{kind.value: _rates(model, word, kind, now) for kind in prices.KINDS},
                "silent": _silent_rates(model, word, now),
            },
        },
    }


def _rates(model: Model, word: str, kind: prices.Kind, now: prices.PriceList) -> dict[str, str]:
    resolutions = dict.fromkeys(frame.resolution for frame in model.frames)
    return {name: str(now.rate(kind, word, name)) for name in resolutions}


def _silent_rates(model: Model, word: str, now: prices.PriceList) -> dict[str, str] | None:
    rates = now.silent_rates(model, word)
    return None if rates is None else {name: str(rate) for name, rate in rates.items()}
