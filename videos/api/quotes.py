"""/api/videos/quote: what an order would cost, at a price that holds for ten minutes."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.lib.api.openapi import errors, request_example
from config.lib.api.serializers import validated
from config.lib.api.strict_fields import WholeNumberField
from config.lib.web.responses import user_of
from videos.api import fields
from videos.catalog import offers
from videos.catalog.entries import MOST_REFERENCES
from videos.catalog.modes import OrderImages
from videos.jobs import key_limits
from videos.jobs.money import quotes


class QuoteRequestSerializer(fields.ModelChoiceSerializer):
    """The fields of an order that decide its price.

    `image` says that it begins with an image, `last_image` that it ends with one, and
    `reference_images` is how many reference images it has.
    """

    image = serializers.BooleanField(default=False)
    last_image = serializers.BooleanField(default=False)
    reference_images = WholeNumberField(min_value=0, max_value=MOST_REFERENCES, default=0)
    audio = fields.OptionalBooleanField(required=False)


class QuotedLotSerializer(serializers.Serializer):
    credits = serializers.IntegerField()
    expires_at = serializers.DateTimeField(allow_null=True)


class QuoteSerializer(serializers.Serializer):
    """`available_after` is negative when there are too few credits."""

    quote = serializers.CharField()
    credits = serializers.IntegerField()
    expires_at = serializers.DateTimeField()
    lots = QuotedLotSerializer(many=True)
    available = serializers.IntegerField()
    available_after = serializers.IntegerField()


class QuoteView(APIView):
    """What an order would cost, and from which credits it would be paid."""

    @extend_schema(
        operation_id="quote_video",
        summary="Get the price of an order; it holds for ten minutes",
        request=QuoteRequestSerializer,
        responses={200: QuoteSerializer, **errors(400, 403)},
        examples=request_example({"model": "sora-2", "seconds": 8}),
    )
    def post(self, request: Request) -> Response:
        asked = validated(QuoteRequestSerializer, request.data)
        fields.fill_in_defaults(asked)
        names = ("image", "last_image", "reference_images")
        images = OrderImages(*(asked.pop(name) for name in names))
        found = quotes.issue(user_of(request), images, **asked)
        word = asked["model"]
        models = (word, offers.find(word).id)
        key_limits.check(fields.api_key_id_of(request), models, found.credits)
        body = {
            "quote": found.token,
            "credits": found.credits,
            "expires_at": found.expires_at,
            "lots": [{"credits": n, "expires_at": until} for n, until in found.lots],
            "available": found.available,
            "available_after": found.available_after,
        }
        return Response(QuoteSerializer(body).data)
