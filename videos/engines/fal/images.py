"""Give images to fal: small ones inside the order as data URIs, larger ones as uploads."""

import base64
from typing import Any

import httpx2

from videos.engines import json_api
from videos.engines.base import Image
from videos.engines.downloads import ResultStore
from videos.engines.errors import BadAnswer
from videos.engines.fal import errors

MAX_INLINE_BYTES = 256 * 1024
KEEP_SECONDS = 24 * 3600
UPLOAD_SECONDS = 120


class Images:
    """Uploads to fal's file storage; `api` sends the key, `files` sends none."""

    def __init__(
        self, api: httpx2.Client, files: httpx2.Client, rest_url: str, hosts: ResultStore
    ) -> None:
        self._api, self._files, self._hosts = api, files, hosts
        self._token_url = f"{rest_url.rstrip('/')}/storage/auth/token"

    def give(self, image: Image) -> str:
        """Return a URL for an image, uploading it if it is large. Raises EngineError."""
        with image.open() as file:
            content = file.read()
        if len(content) <= MAX_INLINE_BYTES:
            encoded = base64.b64encode(content).decode()
            return f"data:{image.content_type};base64,{encoded}"
        return self._upload(image, content)

    def get_token(self) -> dict[str, Any]:
        """A token for uploads: {token, token_type, base_url}, which only a right key gets."""
        answer = json_api.send(
            self._api,
            "POST",
            self._token_url,
            read_error=errors.read_error,
            params={"storage_type": "fal-cdn-v3"},
            json={},
        )
        fields = ("token", "token_type", "base_url")
        found = answer if isinstance(answer, dict) else {}
        if not all(isinstance(found.get(name), str) and found[name] for name in fields):
            raise BadAnswer("no token for uploads")
        return found

    def _upload(self, image: Image, content: bytes) -> str:
        token = self.get_token()
        url = f"{token['base_url'].rstrip('/')}/files/upload"
        self._hosts.check(url)
        headers = {
            "Authorization": f"{token['token_type']} {token['token']}",
            "Content-Type": image.content_type,
            "X-Fal-Object-Lifecycle": f'{{"expiration_duration_seconds": {KEEP_SECONDS}}}',
        }
        answer = json_api.send(
            self._files,
            "POST",
            url,
            read_error=errors.read_error,
            content=content,
            headers=headers,
            timeout=httpx2.Timeout(UPLOAD_SECONDS, connect=5),
        )
        address = answer.get("access_url") if isinstance(answer, dict) else None
        if not isinstance(address, str) or not address.startswith("http"):
            raise BadAnswer("an upload without an access_url")
        return address
