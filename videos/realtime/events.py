"""GET /api/events: a user's changes as an event stream (SSE), or by long polls.

Both, and the sockets, number the same events alike, so a client may change from one to another.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.auth import authentication
from config.lib import continuations
from config.lib.api.serializers import validated
from config.lib.api.strict_fields import WholeNumberField
from config.lib.continuations import Continuation, Parts
from config.lib.web.responses import user_of
from videos import feed
from videos.realtime import event_stream, limits
from videos.realtime.follower import Follower

EVENT_STREAM = "text/event-stream"
MAX_WAIT = 30
NO_STORE = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
EXAMPLE = {
    "events": [
        {
            "type": "video_update",
            "seq": 42,
            "video_id": "0bea85fc-23da-4a31-b62a-235392db67f3",
            "updates": {"status": "in_progress", "progress": 64},
        }
    ],
    "next": 42,
    "complete": True,
    "reset": False,
}


class EventSerializer(serializers.Serializer):
    type = serializers.ChoiceField(["video_update"])
    seq = serializers.IntegerField(help_text="The number of the event.")
    video_id = serializers.UUIDField()
    updates = serializers.DictField(
        help_text="`status` and `progress`; of a video that has ended also its URLs and its"
        " `failure`; of a deleted one only the `status` `deleted`."
    )


class EventsSerializer(serializers.Serializer):
    events = EventSerializer(many=True)
    next = serializers.IntegerField(help_text="Send it as `after` with the next call.")
    complete = serializers.BooleanField(
        help_text="False: there are more events; ask again at once."
    )
    reset = serializers.BooleanField(
        help_text="True: `after` was never given out; read your videos again, then go on from"
        " `next`."
    )


class EventsQuerySerializer(serializers.Serializer):
    after = WholeNumberField(
        min_value=0,
        max_value=2**62,
        required=False,
        help_text="The number of the last event you have. Without it only new events come.",
    )
    wait = WholeNumberField(
        min_value=0,
        max_value=MAX_WAIT,
        default=0,
        help_text="How many seconds the answer may wait for an event; not for event streams.",
    )


class AnyAccept(BaseContentNegotiation):
    """Errors are JSON, also for a client that accepts only an event stream."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        return parsers[0]

    def select_renderer(
        self, request: Request, renderers: Any, format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], renderers[0].media_type


class EventsView(APIView):
    """A user's events after a number: as a stream that stays open, or those of one poll."""

    content_negotiation_class = AnyAccept
    read_rate = "events"

    @extend_schema(
        operation_id="events",
        summary="Get what changed, by long polls or as an event stream",
        description="With `Accept: text/event-stream` the answer is a stream of server-sent"
        " events that stays open. Otherwise it is JSON; with `wait` it comes as soon as there is"
        " an event. `Last-Event-ID`, which browsers' `EventSource` sends, goes before `after`.",
        parameters=[EventsQuerySerializer],
        responses={
            (200, "application/json"): EventsSerializer,
            (200, EVENT_STREAM): OpenApiResponse(str, "Server-sent events `video_update`"),
        },
        examples=[OpenApiExample("Example", EXAMPLE, response_only=True)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        query = validated(EventsQuerySerializer, request.query_params)
        user_id = user_of(request).pk
        after = _last_event_id(request)
        after = query.get("after") if after is None else after
        after = feed.current_sequence(user_id) if after is None else after
        if EVENT_STREAM in request.headers.get("Accept", ""):
            return _continued(request, after, event_stream.stream, EVENT_STREAM)
        found = feed.missed(user_id, after)
        if query["wait"] and found.complete and not found.events:
            rest = partial(event_stream.poll, seconds=query["wait"])
            return _continued(request, found.next, rest, "application/json")
        return Response(found.answer(), headers=NO_STORE)


def _last_event_id(request: Request) -> int | None:
    """Return the number that a browser sends when it connects again."""
    text = request.headers.get("Last-Event-ID")
    return validated(EventsQuerySerializer, {"after": text})["after"] if text else None


def _continued(
    request: Request, after: int, rest: Callable[[Follower], Parts], content_type: str
) -> HttpResponse:
    """Answer with the headers, and let `rest` send what follows. Raises TooManyConnections."""
    response = HttpResponse(content_type=content_type, headers=NO_STORE)
    slot = continuations.slot_of(request._request)
    if slot is None or request.method == "HEAD":
        return response
    credential = authentication.credential_of_request(request)
    user_id = credential.user.pk
    if not limits.admit(user_id):
        raise limits.TooManyConnections
    slot.append(
        Continuation(
            lambda over: rest(Follower(credential, after, over)), partial(limits.leave, user_id)
        )
    )
    return response
