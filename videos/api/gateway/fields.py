"""The fields of requests that only the Videos API of OpenAI has."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

IMAGE_URL_MAX = 20_971_520
# `image/jpg` is not registered, but many programs write it.
DATA_URL = re.compile(r"data:image/(jpe?g|png|webp);base64,", re.IGNORECASE)
METADATA_MOST, METADATA_KEY_MAX, METADATA_TEXT_MAX = 16, 64, 512


IMAGE_SCHEMA = {
    "oneOf": [
        {"type": "string", "format": "binary"},
        {
            "type": "object",
            "properties": {"image_url": {"type": "string", "maxLength": IMAGE_URL_MAX}},
            "required": ["image_url"],
        },
    ]
}
METADATA_SCHEMA = {
    "type": "object",
    "additionalProperties": {"type": "string", "maxLength": METADATA_TEXT_MAX},
    "maxProperties": METADATA_MOST,
}
VIDEO_SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "string"}},
    "required": ["id"],
}


@extend_schema_field(IMAGE_SCHEMA)
class ImageField(serializers.Field[Any, Any, Any, Any]):
    """The first image: a file, or an object with `image_url`, a data URL or the URL of an upload.

    Becomes an uploaded file, or the URL as text.
    """

    default_error_messages = {
        "invalid_type": "Expected a file or an object with image_url.",
        "required": "Send image_url.",
        "not_supported": "Files by file_id are not supported. Send the file or an image_url.",
        "too_long": "The URL is too long.",
        "invalid_data": "The data URL is not a JPEG, PNG or WebP in base64.",
        "empty": "The submitted file is empty.",
    }

    def to_internal_value(self, data: Any) -> UploadedFile | str:
        if isinstance(data, UploadedFile):
            if not data.size:
                self.fail("empty")
            return data
        if not isinstance(data, Mapping):
            self.fail("invalid_type")
        if data.get("file_id") is not None:
            self.fail("not_supported")
        url = data.get("image_url")
        if not isinstance(url, str):
            self.fail("invalid_type")
        if len(url) > IMAGE_URL_MAX:
            self.fail("too_long")
        return self._decode(url) if _scheme_of(url) == "data" else url

    def _decode(self, url: str) -> UploadedFile:
        head = DATA_URL.match(url)
        if not head:
            self.fail("invalid_data")
        try:
            content = base64.b64decode(url[head.end() :], validate=True)
        except (binascii.Error, ValueError):
            self.fail("invalid_data")
        if not content:
            self.fail("empty")
        kind = head[1].lower()
        return SimpleUploadedFile(f"image.{kind}", content, f"image/{kind}")


def _scheme_of(url: str) -> str:
    """Return the scheme of a URL in lower case; "" when it has none."""
    try:
        return urlsplit(url[:64]).scheme.lower()
    except ValueError:
        return ""


@extend_schema_field(METADATA_SCHEMA)
class MetadataField(serializers.Field[Any, Any, Any, Any]):
    """Up to 16 texts of up to 512 characters, with names of up to 64."""

    default_error_messages = {
        "invalid_type": "Expected an object of texts.",
        "too_many": f"At most {METADATA_MOST} names.",
        "too_long": (
            f"Names have 1 to {METADATA_KEY_MAX} characters, texts up to {METADATA_TEXT_MAX}."
        ),
        "nul": "NUL characters are not allowed.",
    }

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if not isinstance(data, Mapping) or not all(isinstance(v, str) for v in data.values()):
            self.fail("invalid_type")
        if len(data) > METADATA_MOST:
            self.fail("too_many")
        for name, text in data.items():
            if not 0 < len(name) <= METADATA_KEY_MAX or len(text) > METADATA_TEXT_MAX:
                self.fail("too_long")
            if "\0" in name + text:
                self.fail("nul")
        return dict(data)


@extend_schema_field(VIDEO_SCHEMA)
class VideoReferenceField(serializers.Field[Any, Any, Any, Any]):
    """The video of an edit: an object with its `id`, which becomes the text of the id."""

    default_error_messages = {
        "invalid_type": "Expected an object with the id of a video.",
        "not_supported": "Uploaded videos are not supported. Send the id of one of your videos.",
    }

    def to_internal_value(self, data: Any) -> str:
        if isinstance(data, UploadedFile):
            self.fail("not_supported")
        found = data.get("id") if isinstance(data, Mapping) else None
        if not isinstance(found, str):
            self.fail("invalid_type")
        return found


@extend_schema_field({"type": "array", "items": {"type": "object"}, "maxItems": 0})
class UnsupportedField(serializers.Field[Any, Any, Any, Any]):
    """A field of the protocol that changes the video in a way that no engine here can; or empty."""

    default_error_messages = {"not_supported": "This is not supported."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if data:
            self.fail("not_supported")
        return data
