"""POST /v1/videos: order a video in the words of OpenAI's Videos API."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.uploadedfile import UploadedFile
from rest_framework.request import Request
from rest_framework.response import Response

from config.lib.idempotency import RequestKey
from config.lib.web.responses import user_of
from videos.api import fields
from videos.api.gateway.base import OrderView, order_once
from videos.api.gateway.fields import ImageField, MetadataField, UnsupportedField
from videos.catalog import offers
from videos.catalog.modes import OrderImages
from videos.catalog.reading import catalog
from videos.jobs import orders
from videos.media import upload_urls, uploads
from videos.models import Upload, Video

# What an order gets that leaves it out, where the model makes it. Source: `CreateVideoBody`.
DEFAULT_SIZE, DEFAULT_SECONDS = "720x1280", 4
DATE = re.compile(r"-[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")


class GatewayOrderSerializer(fields.ModelChoiceSerializer):
    """An order; `input_reference` is the first image. Unknown fields are ignored.

    `metadata` and `webhook_url` are additions to OpenAI's API.
    """

    prompt = fields.prompt_field()
    input_reference = ImageField(required=False)
    characters = UnsupportedField()
    metadata = MetadataField(required=False)
    webhook_url = fields.WebhookUrlField(required=False, allow_blank=True)


class CreateVideoView(OrderView):
    """POST orders a video."""

    order_serializer = GatewayOrderSerializer

    def post(self, request: Request) -> Response:
        asked = self.read_order(request)
        return order_once(request, asked, partial(_order, request, asked))


def _order(request: Request, asked: dict[str, Any], request_key: RequestKey | None) -> Video:
    user = user_of(request)
    reference = asked.get("input_reference")
    images = OrderImages(bool(reference), False, 0)
    model, size, seconds = _complete(asked, images)
    # Before the image is read.
    offers.check(model, size, seconds, images=images)
    with _first_image(user, reference) as image:
        order = orders.VideoOrder(
            prompt=asked["prompt"],
            model=model,
            size=size,
            seconds=seconds,
            first_image=image,
            webhook_url=asked.get("webhook_url", ""),
            api_key_id=fields.api_key_id_of(request),
            extras=orders.Extras(asked.get("metadata", {}), Video.WebhookFormat.OPENAI),
        )
        return orders.submit(user, order, request_key)


def _complete(asked: dict[str, Any], images: OrderImages) -> tuple[str, str, int]:
    """The model, size and length with the protocol's defaults, or the model's own ones.

    Raises offers.NotOffered.
    """
    word = _without_date(asked["model"]) if "model" in asked else offers.default_word()
    model = offers.find(word)
    size, seconds = asked.get("size", DEFAULT_SIZE), asked.get("seconds", DEFAULT_SECONDS)
    known = size in model.by_size and seconds in model.lengths
    if known and offers.engines_for(model.id, images.mode, size, seconds):
        return word, size, seconds
    return word, asked.get("size", model.default_size), asked.get("seconds", model.default_seconds)


def _without_date(word: str) -> str:
    """Return the model that a dated version means, `sora-2-2025-10-06`, unless the catalog has it.

    The SDKs of OpenAI list such words.
    """
    return word if catalog().find(word) else DATE.sub("", word)


@contextmanager
def _first_image(
    user: AbstractBaseUser, reference: UploadedFile | str | None
) -> Iterator[Upload | None]:
    """The first image for a block that writes the order; a new one is discarded if that raises.

    Raises BadImageUrl or what uploads.store_image raises.
    """
    if isinstance(reference, str):
        yield upload_urls.get_images(user, [reference])[0]
        return
    with uploads.images_of_order(user, [reference]) as (image,):
        yield image
