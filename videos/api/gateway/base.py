"""What every view of the gateway shares: who may call, what a body may be, how it answers."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound, ParseError, Throttled
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth.authentication import BearerAuthentication
from config.lib import idempotency
from config.lib.api.parsers import StrictFormParser, StrictJSONParser, StrictMultiPartParser
from config.lib.api.serializers import validated
from config.lib.idempotency import AlreadyDone, AttemptKey, RequestKey
from config.lib.web import arrival
from config.lib.web.responses import user_of
from videos import representations
from videos.api.content import AnyAccept
from videos.library import own_videos
from videos.models import Video

# `video[id]`, and what a list of objects becomes in a form: `characters[][id]`.
BRACKETS = re.compile(r"(\w+)\[([^\[\]]*)\](\[.*\])?", re.DOTALL)
ATTEMPT_HEADER = "x-stainless-retry-count"
# When a client should ask again, in milliseconds: in the first minute of a video, and later.
POLL_AFTER_MS, LATER_POLL_AFTER_MS = 2000, 5000
FIRST_MINUTE = timedelta(minutes=1)


class LargeJSONParser(StrictJSONParser):
    """JSON in which an image may stand as a data URL."""

    max_bytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class LargeMultiPartParser(StrictMultiPartParser):
    """A form in which an image may stand as a data URL."""

    max_bytes = settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class GatewayView(APIView):
    """A view under /v1: `Authorization: Bearer`, any Accept header, errors in OpenAI's words."""

    authentication_classes = (BearerAuthentication,)
    content_negotiation_class = AnyAccept
    parser_classes = (LargeJSONParser, LargeMultiPartParser, StrictFormParser)
    # SDKs poll, so reading has the limit for polling.
    read_rate = "tasks"


class OrderView(GatewayView):
    """POST orders a video; a subclass names the serializer of its body."""

    needs_key_and_token = True
    rate = "generate"
    order_serializer: type[serializers.Serializer]

    def read_order(self, request: Request) -> dict[str, Any]:
        """Return what the request asks for. Raises ParseError or ValidationError."""
        return validated(self.order_serializer, fields_of(request))

    def check_throttles(self, request: Request) -> None:
        """Raise Throttled; the repetition of a refused first attempt is then a new order.

        Otherwise an SDK that waits until it may order the same once more gets the video before.
        """
        try:
            super().check_throttles(request)
        except Throttled:
            if request.method == "POST" and request.headers.get(ATTEMPT_HEADER) == "0":
                with suppress(APIException, SuspiciousOperation, AlreadyDone):
                    idempotency.check(_attempt_key(request, self.read_order(request)))
            raise


def fields_of(request: Request) -> dict[str, Any]:
    """Return the fields of a body; `video[id]` of a form is the field `id` of the object `video`.

    A field that a form has twice is a list. Raises ParseError for JSON that is no object.
    """
    data = request.data
    if isinstance(data, QueryDict):
        return _fold(data)
    if not isinstance(data, dict):
        raise ParseError
    return data


def _fold(form: QueryDict) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, values in form.lists():
        value = values[0] if len(values) == 1 else values
        if found := BRACKETS.fullmatch(name):
            inner = fields.setdefault(found[1], {})
            if isinstance(inner, dict):
                inner[found[2]] = {found[3]: value} if found[3] else value
        else:
            fields[name] = value
    return fields


def get_own_video(request: Request, text: str) -> Video:
    """Return the user's video of this id. Raises NotFound, also for what is no id."""
    if re.fullmatch(representations.VideoId.regex, text):
        pk = representations.VideoId().to_python(text)
        if video := own_videos.find(user_of(request), pk):
            return video
    raise NotFound(f"Video with id '{text[:80]}' not found.")


def order_once(
    request: Request, asked: dict[str, Any], order: Callable[[RequestKey | None], Video]
) -> Response:
    """Carry out an order, or answer with the video that an equal request has made.

    Requests are equal by their Idempotency-Key; without one a repeated attempt of an SDK is equal
    to what asked for the same before. Who deleted that video knew it, so this is a new order.
    """
    key = _request_key(request, asked)
    outcome = idempotency.run(key, partial(order, key))
    if isinstance(key, AttemptKey) and outcome.result.deleted_at:
        idempotency.forget(key, outcome.result)
        outcome = idempotency.run(key, partial(order, key))
    return answer_with(outcome.result, outcome.headers)


def _request_key(request: Request, asked: dict[str, Any]) -> RequestKey | None:
    what = (request.method, request.path, asked)
    if key := idempotency.key_of_headers(request.user, request.headers, *what):
        return key
    return _attempt_key(request, asked)


def _attempt_key(request: Request, asked: dict[str, Any]) -> AttemptKey | None:
    attempt = request.headers.get(ATTEMPT_HEADER, "")
    if not re.fullmatch(r"[0-9]{1,4}", attempt):
        return None
    what = (request.method, request.path, asked)
    arrived_at = arrival.time_of(request._request)
    return idempotency.key_of_attempt(request.user, int(attempt), *what, arrived_at=arrived_at)


def answer_with(video: Video, headers: dict[str, str] | None = None) -> Response:
    """Answer with a video, and with when to ask again for one that has not ended."""
    response = Response(representations.gateway_video(video), headers=headers or {})
    if video.is_active:
        is_new = timezone.now() - video.created_at < FIRST_MINUTE
        wait = POLL_AFTER_MS if is_new else LATER_POLL_AFTER_MS
        response["openai-poll-after-ms"] = str(wait)
    return response
