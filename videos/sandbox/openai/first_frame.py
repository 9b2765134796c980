"""The `input_reference` of a create: an image of the video's size, uploaded or as a data URL."""

import base64
import binascii
import io
import re
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from PIL import Image

from videos.sandbox.http.errors import ApiError
from videos.sandbox.openai.values import wrong_type


def read_first_frame(fields: dict[str, Any], size: str) -> bytes | None:
    """Return the bytes of a request's first frame, None without one. Raises ApiError 400."""
    reference = fields.get("input_reference")
    if reference is None:
        return None
    if isinstance(reference, UploadedFile):
        data: bytes = reference.read()
    elif isinstance(reference, dict):
        data = _read_data_url(reference)
    else:
        raise wrong_type("input_reference", "a file or an object", reference)
    _check_image(data, size)
    return data


def _read_data_url(reference: dict[str, Any]) -> bytes:
    url = reference.get("image_url")
    if set(reference) != {"image_url"} or not isinstance(url, str):
        raise _invalid("The sandbox takes 'input_reference' as {'image_url': 'data:...'}.")
    head, comma, payload = url.partition(",")
    if not (comma and re.fullmatch(r"data:image/(jpeg|png|webp);base64", head)):
        raise _invalid("The sandbox fetches nothing: 'image_url' must be a base64 data URL.")
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _invalid("The base64 data of 'image_url' is invalid.") from error


def _check_image(data: bytes, size: str) -> None:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as image:
            # The header's size is compared first, so a decompression bomb is never decoded.
            fits = "{}x{}".format(*image.size) == size
            if fits:
                image.load()
    except Exception as error:  # Pillow's decoders raise many kinds of errors
        raise _invalid("'input_reference' is not a readable JPEG, PNG or WebP.") from error
    if not fits:
        raise ApiError(400, "Inpaint image must match the requested width and height")


def _invalid(message: str) -> ApiError:
    return ApiError(400, message, code="invalid_value", param="input_reference")
