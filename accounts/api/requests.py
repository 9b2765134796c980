"""/api/users/requests: the user's own calls of the API."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.request_log import search
from config.lib.api.serializers import validated
from config.lib.api.strict_fields import RegexField, TextField, WholeNumberField
from config.lib.web.responses import user_of


class KeyOrTokenField(TextField):
    """The id of an API key, or the word "token"."""

    default_error_messages = {"invalid_key": 'Send the id of an API key, or "token".'}

    def to_internal_value(self, data: Any) -> Any:
        text = str(super().to_internal_value(data))
        if text == search.TOKEN:
            return text
        try:
            return UUID(text)
        except ValueError:
            self.fail("invalid_key")


class RequestQuerySerializer(serializers.Serializer):
    key = KeyOrTokenField(required=False, help_text='The id of a key, or "token" for sign-ins.')
    method = serializers.ChoiceField(search.METHODS, required=False)
    status = serializers.ChoiceField(search.STATUS_CLASSES, required=False)
    request_id = RegexField(r"^[A-Za-z0-9._-]{1,64}$", required=False)
    limit = WholeNumberField(min_value=1, max_value=100, default=50)
    before = WholeNumberField(
        min_value=1,
        max_value=2**63 - 1,
        required=False,
        help_text="`next_before` of the page before.",
    )


class LoggedRequestSerializer(serializers.Serializer):
    """`api_key_id` is null for a call with a token."""

    id = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    method = serializers.CharField()
    path = serializers.CharField()
    status = serializers.IntegerField()
    took_ms = serializers.IntegerField()
    credits = serializers.IntegerField()
    request_id = serializers.CharField()
    api_key_id = serializers.UUIDField(allow_null=True)


class LoggedRequestsSerializer(serializers.Serializer):
    requests = LoggedRequestSerializer(many=True)
    next_before = serializers.IntegerField(allow_null=True)


class RequestLogView(APIView):
    """The log of the user's calls, newest first."""

    read_scope = "account"

    @extend_schema(
        operation_id="list_requests",
        summary="List your calls of the API in the last days, newest first",
        parameters=[RequestQuerySerializer],
        responses={200: LoggedRequestsSerializer},
    )
    def get(self, request: Request) -> Response:
        query = validated(RequestQuerySerializer, request.query_params)
        limit, before = query.pop("limit"), query.pop("before", None)
        page = search.find(user_of(request), search.RequestFilter(**query), limit, before)
        body = {"requests": page.requests, "next_before": page.before}
        return Response(LoggedRequestsSerializer(body).data)
