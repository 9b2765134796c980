"""Give images to Runway: in the body, or by an upload if they are too large for it."""

import base64
from typing import Any
from urllib.parse import urlsplit

import httpx2

from videos.engines import json_api
from videos.engines.base import Image
from videos.engines.errors import BadAnswer, EngineError, Unavailable
from videos.engines.runway import errors

# The longest data URI that the engine takes, in characters.
LONGEST_DATA_URI = 5_000_000


class ImageInputs:
    """Makes the URI of an image. An upload creates no task and is kept for a day."""

    def __init__(self, client: httpx2.Client, files: httpx2.Client, base_url: str) -> None:
        self._client, self._files = client, files
        self._own = urlsplit(base_url)

    def give(self, image: Image) -> str:
        """The URI that stands for an image in a body. Raises EngineError, never after a submit."""
        with image.open() as file:
            content = file.read()
        uri = f"data:{image.content_type};base64,{base64.b64encode(content).decode()}"
        return uri if len(uri) <= LONGEST_DATA_URI else self._upload(image, content)

    def _upload(self, image: Image, content: bytes) -> str:
        asked = {"filename": image.name, "type": "ephemeral"}
        started = json_api.send(
            self._client, "POST", "/uploads", json=asked, read_error=errors.read_error
        )
        url, fields, uri = self._checked(started)
        json_api.send(
            self._files,
            "POST",
            url,
            data=fields,
            files={"file": (image.name, content, image.content_type)},
            read_error=_upload_error,
            read_body=lambda chunks: b"",  # a storage answers XML or nothing
        )
        return uri

    def _checked(self, started: Any) -> tuple[str, dict[str, str], str]:
        """URL, form fields and resulting URI of a started upload. Raises BadAnswer."""
        found = started if isinstance(started, dict) else {}
        url, fields, uri = found.get("uploadUrl"), found.get("fields"), found.get("runwayUri")
        if not (isinstance(url, str) and isinstance(fields, dict) and isinstance(uri, str)):
            raise BadAnswer("the upload was not started")
        if not (self._may_receive(url) and uri.startswith("runway://")):
            raise BadAnswer("the upload leads to an address that is not allowed")
        return url, {str(name): str(value) for name, value in fields.items()}, uri

    def _may_receive(self, url: str) -> bool:
        """Whether images may be sent there: by HTTPS, or to the engine's own host."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        own = (parts.scheme, parts.netloc) == (self._own.scheme, self._own.netloc)
        return own or (parts.scheme == "https" and bool(parts.hostname))


def _upload_error(status: int, body: Any, text: str) -> EngineError:
    return Unavailable(f"the upload was answered with HTTP {status}: {text[:300]}")
