"""Uploaded files of kie.ai's API, named by their SHA-256."""

import hashlib
import io
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from PIL import Image, ImageOps

from videos.sandbox.http.errors import ApiError


def store(body: bytes) -> str:
    """Store a file and return its name."""
    name = hashlib.sha256(body).hexdigest()
    file = _directory() / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)
    return name


def read_first_frame(fields: dict[str, Any], size: str) -> bytes:
    """Return the uploaded image a request names, cropped to the video's size, as PNG.

    The sandbox fetches no other address. Raises ApiError 422.
    """
    urls = fields.get("image_urls")
    url = urls[0] if isinstance(urls, list) and urls else None
    name = urlsplit(url).path.rpartition("/")[2] if isinstance(url, str) else ""
    file = _directory() / name
    if not re.fullmatch(r"[0-9a-f]{64}", name) or not file.exists():
        raise ApiError(422, "image_urls is required and must name an uploaded file")
    body = io.BytesIO()
    try:
        with Image.open(file, formats=("JPEG", "PNG", "WEBP")) as image:
            width, height = map(int, size.split("x"))
            ImageOps.fit(image.convert("RGB"), (width, height)).save(body, "PNG")
    except Exception as error:  # Pillow's decoders raise many kinds of errors on damaged files
        raise ApiError(422, "the image cannot be read") from error
    return body.getvalue()


def _directory() -> Path:
    return Path(settings.SANDBOX_DIR) / "uploads"
