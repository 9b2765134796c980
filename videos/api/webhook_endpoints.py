"""/api/webhooks/endpoints: the account-wide receivers of webhooks."""

from typing import Any
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiKey
from config.lib.api.openapi import errors, request_example
from config.lib.api.serializers import BlankAsNullField, validated
from config.lib.api.strict_fields import TextField
from config.lib.web.responses import user_of
from videos.api.fields import WebhookUrlField
from videos.models import Video, WebhookEndpoint
from videos.webhooks import deliveries, endpoints

EXAMPLE = {
    "url": "https://example.com/webhooks",
    "events": ["video.completed", "video.failed"],
    "description": "Production",
}


class EndpointSerializer(serializers.Serializer):
    id = serializers.UUIDField()
    url = BlankAsNullField(help_text="Null: its events are fetched with GET /api/webhooks/events.")
    events = serializers.ListField(child=serializers.ChoiceField(WebhookEndpoint.Event.values))
    format = serializers.ChoiceField(Video.WebhookFormat.values)
    description = serializers.CharField()
    enabled = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    failing_since = serializers.DateTimeField(
        allow_null=True, help_text="Since when it has accepted nothing."
    )
    disabled_at = serializers.DateTimeField(
        allow_null=True, help_text="When we disabled it because it had failed for days."
    )


class EndpointsSerializer(serializers.Serializer):
    endpoints = EndpointSerializer(many=True)


class EndpointChangeSerializer(serializers.Serializer):
    url = WebhookUrlField(
        required=False,
        allow_blank=True,
        help_text='Where to send webhooks; "" for an endpoint whose events are only fetched.',
    )
    events = serializers.ListField(
        child=serializers.ChoiceField(WebhookEndpoint.Event.values),
        required=False,
        allow_empty=False,
        max_length=10,
        help_text="What it wants; without this everything.",
    )
    format = serializers.ChoiceField(
        Video.WebhookFormat.values,
        required=False,
        help_text="`openai` (default): events of OpenAI's Videos API. `task`: the body of"
        " webhooks of tasks.",
    )
    description = TextField(required=False, allow_blank=True, max_length=200)
    enabled = serializers.BooleanField(required=False)

    def validate_events(self, events: list[str]) -> list[str]:
        return [name for name in WebhookEndpoint.Event.values if name in events]


class TestResultSerializer(serializers.Serializer):
    """The answer of the server; `code` is null when none came, and `error` says why."""

    delivered = serializers.BooleanField()
    code = serializers.IntegerField(allow_null=True)
    error = BlankAsNullField()
    took_ms = serializers.IntegerField()


class EndpointListView(APIView):
    """The user's endpoints; POST adds one."""

    @extend_schema(
        operation_id="list_webhook_endpoints",
        summary="List your webhook endpoints",
        responses={200: EndpointsSerializer},
    )
    def get(self, request: Request) -> Response:
        rows = WebhookEndpoint.objects.filter(user_id=user_of(request).pk)
        return Response(EndpointsSerializer({"endpoints": rows}).data)

    @extend_schema(
        operation_id="create_webhook_endpoint",
        summary="Add an endpoint that gets webhooks about all your videos",
        request=EndpointChangeSerializer,
        responses={201: EndpointSerializer, **errors(400)},
        examples=request_example(EXAMPLE),
    )
    def post(self, request: Request) -> Response:
        refuse_keys_that_may_not_read(request)
        asked = {"events": WebhookEndpoint.Event.values, **_asked(request)}
        endpoint = endpoints.create(user_of(request), **asked)
        return Response(EndpointSerializer(endpoint).data, status=201)


class EndpointDetailView(APIView):
    """One endpoint of the user."""

    @extend_schema(
        operation_id="get_webhook_endpoint",
        summary="Get a webhook endpoint",
        responses={200: EndpointSerializer},
    )
    def get(self, request: Request, endpoint_id: UUID) -> Response:
        return Response(EndpointSerializer(_own(request, endpoint_id)).data)

    @extend_schema(
        operation_id="change_webhook_endpoint",
        summary="Change, disable or enable a webhook endpoint",
        request=EndpointChangeSerializer,
        responses={200: EndpointSerializer, **errors(400)},
        examples=request_example({"enabled": False}),
    )
    def patch(self, request: Request, endpoint_id: UUID) -> Response:
        refuse_keys_that_may_not_read(request)
        try:
            endpoint = endpoints.change(_own(request, endpoint_id), **_asked(request))
        except endpoints.EndpointGone as error:
            raise Http404 from error
        return Response(EndpointSerializer(endpoint).data)

    @extend_schema(
        operation_id="delete_webhook_endpoint",
        summary="Delete a webhook endpoint with its log",
        responses={204: None},
    )
    def delete(self, request: Request, endpoint_id: UUID) -> Response:
        endpoints.delete(_own(request, endpoint_id))
        return Response(status=204)


class EndpointTestView(APIView):
    """Send a test webhook to one endpoint."""

    @extend_schema(
        operation_id="test_webhook_endpoint",
        summary="Send a test webhook to an endpoint now",
        request=None,
        responses={200: TestResultSerializer, **errors(400)},
    )
    def post(self, request: Request, endpoint_id: UUID) -> Response:
        endpoint = _own(request, endpoint_id)
        result = deliveries.send_test_to(endpoint)
        return Response(
            TestResultSerializer(
                {
                    "delivered": result.accepted,
                    "code": result.code,
                    "error": result.error,
                    "took_ms": result.took_ms,
                }
            ).data
        )


def refuse_keys_that_may_not_read(request: Request) -> None:
    """Raise PermissionDenied for such a key: an endpoint tells about every video."""
    key = request.auth
    if isinstance(key, ApiKey) and ApiKey.Scope.READ not in key.scopes:
        raise PermissionDenied("This API key may not do that: it needs the scope read")


def _asked(request: Request) -> dict[str, Any]:
    return validated(EndpointChangeSerializer, request.data)


def _own(request: Request, endpoint_id: UUID) -> WebhookEndpoint:
    rows = WebhookEndpoint.objects.select_related("user").filter(user_id=user_of(request).pk)
    return get_object_or_404(rows, pk=endpoint_id)
