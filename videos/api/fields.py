"""What API views of videos read from a request: the user's video, the API key, fields of a body."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404
from rest_framework import serializers
from rest_framework.fields import empty
from rest_framework.request import Request

from accounts.models import ApiKey
from config.lib.api.strict_fields import MultilineTextField, TextField, WholeNumberField
from config.lib.idempotency import RequestKey, key_of_headers
from config.lib.web.responses import user_of
from videos import representations
from videos.api.order_choices import ModelField, SecondsField, SizeField
from videos.catalog import offers
from videos.catalog.reading import catalog
from videos.jobs.orders import PriceTerms
from videos.library import own_videos, tags
from videos.models import Video
from videos.models.price import MAX_CREDITS
from videos.webhooks import http_client

# The prompt in examples of the OpenAPI document.
EXAMPLE_PROMPT = "A paper boat at dusk, slow dolly in"


def api_key_id_of(request: Request) -> UUID | None:
    """Return the id of the API key that the request is authenticated by, or None."""
    return request.auth.pk if isinstance(request.auth, ApiKey) else None


def get_own_video(request: Request, video_id: UUID) -> Video:
    """Return the user's video of this id. Raises Http404, also for another user's video."""
    if video := own_videos.find(user_of(request), video_id):
        return video
    raise Http404


def request_key_of(request: Request, asked: Mapping[str, Any]) -> RequestKey | None:
    """Return the request's idempotency key over what it asks for, or None without one.

    Raises BadIdempotencyKey.
    """
    return key_of_headers(request.user, request.headers, request.method, request.path, asked)


def fill_in_defaults(asked: dict[str, Any]) -> None:
    """Add the model, size and length that a request leaves out. Raises offers.NotOffered."""
    names = ("model", "size", "seconds")
    given = offers.complete(asked.get("model", ""), asked.get("size", ""), asked.get("seconds", 0))
    asked.update(zip(names, given, strict=True))


class ModelChoiceSerializer(serializers.Serializer):
    """Which video: what is left out is the default model, and its default size and length."""

    model = ModelField(required=False)
    size = SizeField(required=False)
    seconds = SecondsField(required=False)


class OptionalBooleanField(serializers.BooleanField):
    """A truth value that a form may leave out; elsewhere a missing one would count as false."""

    default_empty_html = empty


class TagField(TextField):
    """A tag of a video, as `videos.library.tags` writes it."""

    def to_internal_value(self, data: Any) -> str:
        try:
            return tags.name_of(super().to_internal_value(data))
        except tags.BadTag as error:
            raise serializers.ValidationError(str(error)) from error


class ChoicesSerializer(serializers.Serializer):
    """What only some models take: `GET /api/models` says which."""

    seed = WholeNumberField(min_value=0, max_value=offers.MAX_SEED, required=False)
    negative_prompt = MultilineTextField(
        max_length=offers.NEGATIVE_PROMPT_MAX, required=False, allow_blank=True
    )
    audio = OptionalBooleanField(required=False)


def pop_choices(asked: dict[str, Any]) -> offers.Choices:
    """Take the choices out of what was asked for."""
    names = ("seed", "negative_prompt", "audio")
    given = {name: asked.pop(name) for name in names if name in asked}
    return offers.Choices(**given)


class QualityField(serializers.ChoiceField):
    """A word of quality that the catalog has; each means a model."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=list(catalog().qualities), **kwargs)


class PriceLimitSerializer(serializers.Serializer):
    """If the price is above `expected_credits` or `max_credits`, the answer is 409."""

    expected_credits = WholeNumberField(min_value=1, max_value=MAX_CREDITS, required=False)
    max_credits = WholeNumberField(min_value=1, max_value=MAX_CREDITS, required=False)


class PriceTermsSerializer(PriceLimitSerializer):
    """`quote` is the one of `POST /api/videos/quote`; the order costs its price or less."""

    quote = TextField(max_length=500, required=False)


def pop_price_terms(asked: dict[str, Any]) -> PriceTerms:
    """Take the fields of the price out of what was asked for, and return what they agree to."""
    limits = [asked.pop(name, None) for name in ("expected_credits", "max_credits")]
    lowest = min((limit for limit in limits if limit is not None), default=None)
    return PriceTerms(lowest, asked.pop("quote", ""))


def prompt_field() -> MultilineTextField:
    return MultilineTextField(min_length=1, max_length=offers.PROMPT_MAX)


class VideoIdField(TextField):
    """The id of a video in a body or a query: a UUID, or `video_` and its 32 hex digits."""

    default_error_messages = {"invalid_id": "Not an id of a video."}

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        if not re.fullmatch(representations.VideoId.regex, text):
            self.fail("invalid_id")
        return representations.VideoId().to_python(text)


class StatusField(TextField):
    """A status as any of the documented systems spells it; becomes the states that it means.

    A spelling of its own dialect is read in that dialect.
    """

    default_error_messages = {"invalid_choice": "Not a status."}

    def __init__(self, dialect: Mapping[Video.Status, str], **kwargs: Any) -> None:
        super().__init__(max_length=32, **kwargs)
        self.dialect = dialect

    def to_internal_value(self, data: Any) -> Any:
        states = representations.statuses_named(super().to_internal_value(data), self.dialect)
        if not states:
            self.fail("invalid_choice")
        return states


class WebhookUrlField(TextField):
    """The URL of a webhook: https, outside production also http; never with a password in it."""

    default_error_messages = {"invalid_url": "Not a usable address: https://host/path."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=2048, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        if text and not http_client.is_usable(text):
            self.fail("invalid_url")
        return text
