"""What every JSON door of videos reads off a request: whose video, which page, which key."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.uploadedfile import UploadedFile
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request

from accounts.models import ApiKey
from config.lib.idempotency import REPLAYED, fingerprint, read_key
from videos import catalog, idempotency, representations
from videos.models import Video
from videos.webhooks import http_client

T = TypeVar("T")


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


def claim_of(request: Request, asked: Mapping[str, Any]) -> idempotency.Claim | None:
    """The request's idempotency key, if it has one, over what was asked for.

    Raises BadIdempotencyKey.
    """
    key = read_key(request.headers)
    if not key:
        return None
    plain = {name: _plain(value) for name, value in asked.items()}
    return idempotency.Claim(key, fingerprint([request.method, request.path, plain]))


def _plain(value: object) -> object:
    if not isinstance(value, UploadedFile):
        return value
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return [value.name, digest.hexdigest()]


def made_once(make: Callable[[], T]) -> tuple[T, dict[str, str]]:
    """What `make` made, or what the same request made before, and the headers that say so."""
    try:
        return make(), {}
    except idempotency.AlreadyMade as error:
        return cast("T", error.made), REPLAYED


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
