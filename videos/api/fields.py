"""What every JSON door of videos reads off a request: whose video, which page, which key."""

import re
from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request

from accounts.models import ApiKey
from config.lib.idempotency import RequestKey, key_of_headers
from videos import catalog, representations
from videos.models import Video
from videos.webhooks import http_client


class OffsetAndAfter(Exception):
    """A list was asked to start in two places."""

    def __init__(self) -> None:
        super().__init__("Use either offset or after.")


def user_of(request: Request) -> AbstractBaseUser:
    return cast("AbstractBaseUser", request.user)


def key_of(request: Request) -> UUID | None:
    """The API key a request came with, when it was nothing else that let it in."""
    return request.auth.pk if isinstance(request.auth, ApiKey) else None


def own(request: Request, video_id: UUID) -> Video:
    """The asker's video of this id; anybody else's is as unknown as one that does not exist."""
    return get_object_or_404(Video.objects.of(user_of(request)), pk=video_id)


# ---- the same request once more ----


def request_key_of(request: Request, asked: Mapping[str, Any]) -> RequestKey | None:
    """The request's idempotency key, if it has one, over what it asks for.

    Raises BadIdempotencyKey.
    """
    return key_of_headers(request.user, request.headers, request.method, request.path, asked)


# ---- fields ----


def prompt_field() -> serializers.CharField:
    return serializers.CharField(min_length=1, max_length=catalog.PROMPT_MAX)


class VideoIdField(serializers.CharField):
    """An id in a body or a query: a UUID, or `video_` and its hex digits."""

    default_error_messages = {"invalid_id": "Not an id of a video."}

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        if not re.fullmatch(representations.VideoId.regex, text):
            self.fail("invalid_id")
        return representations.VideoId().to_python(text)


class StatusField(serializers.CharField):
    """A status in the words of any dialect, those of its own first; the states it means."""

    default_error_messages = {"invalid_choice": "Not a status."}

    def __init__(self, dialect: Mapping[Video.Status, str], **kwargs: Any) -> None:
        super().__init__(max_length=32, **kwargs)
        self.dialect = dialect

    def to_internal_value(self, data: Any) -> Any:
        states = representations.spelled(super().to_internal_value(data), self.dialect)
        if not states:
            self.fail("invalid_choice")
        return states


class WebhookUrlField(serializers.CharField):
    """An address to be told at: https, or outside production also http; never with a password."""

    default_error_messages = {"invalid_url": "Not a usable address: https://host/path."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=2048, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text: str = super().to_internal_value(data)
        if text and not _may_be_told(text):
            self.fail("invalid_url")
        return text


def _may_be_told(url: str) -> bool:
    if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>^`{|}'):
        return False
    try:
        http_client.check(url)
    except http_client.Blocked:
        return False
    return True
