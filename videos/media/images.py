"""Decode images of users and engines, one at a time, with the memory that one needs.

Decoded, an image takes 4 bytes a pixel, at most 160 MB; twice that while it is turned or converted,
and 720 MB while a WebP is decoded or encoded. A JPEG of more pixels is decoded at half its size. In
each process one large image and one small one are decoded at the same time, so that small ones do
not wait long.
"""

import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import IO, Any
from uuid import UUID

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from videos.media import pixels
from videos.media.concurrency import ConcurrencyLimit
from videos.media.upload_checks import BadImage

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS = 40_000_000
# The photos of phones with 48, 50 and 64 megapixels.
MAX_JPEG_PIXELS = 70_000_000
MAX_SIDE = 16_000  # the limit of WebP, the smallest of our encodings
SMALL_PIXELS = 8_000_000

_large, _small = ConcurrencyLimit(1), ConcurrencyLimit(1)
# Opening a WebP reads it whole.
_opening = threading.Lock()


@contextmanager
def decoded(
    file: IO[bytes] | Any,
    formats: Collection[str] = FORMATS,
    *,
    owner_id: UUID | None = None,
    target: tuple[int, int] | None = None,
) -> Iterator[Image.Image]:
    """Decode an image as browsers show it, without metadata, as RGB or RGBA, for a block's time.

    With `target`, a width and height, it may be decoded smaller, but not below that size. Other
    images wait until the block has ended. Raises BadImage, and with an owner TooManyAtOnce.
    """
    with _refusing(formats):
        size = _size_of(file, formats)
    limit = _large if size[0] * size[1] > SMALL_PIXELS else _small
    with limit.slot(owner_id):
        with _refusing(formats):
            image = _decode(file, formats, target)
        try:
            yield image
        finally:
            image.close()  # frees the pixels, whoever still holds the object


@contextmanager
def _refusing(formats: Collection[str]) -> Iterator[None]:
    """Raise BadImage for whatever the decoder raises."""
    try:
        yield
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise BadImage(
            _("The file is not a %(names)s image.") % {"names": _list_formats(formats)}
        ) from error
    except Image.DecompressionBombError as error:
        raise BadImage(_refuse_pixels(MAX_PIXELS)) from error


def _size_of(file: IO[bytes], formats: Collection[str]) -> tuple[int, int]:
    """The width and height, read from the file's head. Raises BadImage when it is too large."""
    file.seek(0)
    with _opening, Image.open(file, formats=list(formats)) as image:
        most = MAX_JPEG_PIXELS if image.format == "JPEG" else MAX_PIXELS
        if image.width * image.height > most:
            raise BadImage(_refuse_pixels(most))
        if max(image.size) > MAX_SIDE:
            text = _("The image has more than %(most)s pixels a side.")
            raise BadImage(text % {"most": MAX_SIDE})
        return image.size


def _decode(
    file: IO[bytes], formats: Collection[str], target: tuple[int, int] | None
) -> Image.Image:
    file.seek(0)
    with Image.open(file, formats=list(formats)) as image:
        _ask_for_smaller(image, target)
        shown = pixels.as_shown(image)
        ImageOps.exif_transpose(shown, in_place=True)
        # An image that is a WebP still holds the two canvases of its decoder.
        plain = shown.copy() if shown is image and image.format == "WEBP" else shown
    plain.info.clear()  # comments and profiles would be saved again
    return plain


def _ask_for_smaller(image: Image.Image, target: tuple[int, int] | None) -> None:
    """Have a JPEG decoded smaller: not below `target`, and to at most MAX_PIXELS."""
    width, height = image.size
    divisor = 2 if width * height > MAX_PIXELS else 1
    most = max(target or image.size)  # it may lie on its side yet
    image.draft("RGB", (min(most, width // divisor), min(most, height // divisor)))


def _refuse_pixels(most: int) -> str:
    text = _("The image has more than %(most)s megapixels.")
    return text % {"most": most // 1_000_000}


def _list_formats(formats: Collection[str]) -> str:
    """The formats as words, such as "JPEG, PNG or WebP"."""
    *most, last = (name.replace("WEBP", "WebP") for name in formats)
    names = {"most": ", ".join(most), "last": last}
    return _("%(most)s or %(last)s") % names if most else last
