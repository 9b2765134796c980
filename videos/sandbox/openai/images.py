"""The images of a create: files, or data URLs in objects; frames have the video's size."""

import base64
import binascii
import io
import re
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from PIL import Image

from videos.sandbox.http.errors import ApiError
from videos.sandbox.openai.values import wrong_type

MOST_REFERENCES = 3
MOST_PIXELS = 8_000_000


def read_frame(fields: dict[str, Any], name: str, size: str) -> bytes | None:
    """Return the bytes of the frame in this field, None without one. Raises ApiError 400."""
    sent = fields.get(name)
    if sent is None:
        return None
    data = _read(sent, name)
    if "{}x{}".format(*_size_of(data, name)) != size:
        raise ApiError(400, "Inpaint image must match the requested width and height")
    return data


def read_references(fields: dict[str, Any]) -> tuple[bytes, ...]:
    """Return the bytes of the reference images, in any size. Raises ApiError 400."""
    name = "reference_images"
    sent = fields.get(name, [])
    sent = sent if isinstance(sent, list) else [sent]
    if len(sent) > MOST_REFERENCES:
        raise _invalid(f"The sandbox takes up to {MOST_REFERENCES} '{name}'.", name)
    found = tuple(_read(each, name) for each in sent)
    for data in found:
        width, height = _size_of(data, name)
        if width * height > MOST_PIXELS:
            raise _invalid(f"One of '{name}' has more than {MOST_PIXELS} pixels.", name)
    return found


def _read(sent: object, name: str) -> bytes:
    if isinstance(sent, UploadedFile):
        data: bytes = sent.read()
        return data
    if isinstance(sent, dict):
        return _read_data_url(sent, name)
    raise wrong_type(name, "a file or an object", sent)


def _read_data_url(sent: dict[str, Any], name: str) -> bytes:
    url = sent.get("image_url")
    if set(sent) != {"image_url"} or not isinstance(url, str):
        raise _invalid(f"The sandbox takes '{name}' as {{'image_url': 'data:...'}}.", name)
    head, comma, payload = url.partition(",")
    if not (comma and re.fullmatch(r"data:image/(jpeg|png|webp);base64", head)):
        raise _invalid("The sandbox fetches nothing: 'image_url' must be a base64 data URL.", name)
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid("The base64 data of 'image_url' is invalid.", name) from error


def _size_of(data: bytes, name: str) -> tuple[int, int]:
    """The width and height of a readable image. Raises ApiError 400."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
            # By the header's size, so that a decompression bomb is never decoded.
            if image.width * image.height <= MOST_PIXELS:
                image.load()
            return image.size
    except Exception as error:  # Pillow's decoders raise many kinds of errors
        raise _invalid(f"'{name}' is not a readable JPEG, PNG or WebP.", name) from error


def _invalid(message: str, name: str) -> ApiError:
    return ApiError(400, message, code="invalid_value", param=name)
