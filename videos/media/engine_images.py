"""Images of orders as engines get them: frames in the size of the video, references as they are.

Transparent parts are laid on white: engines do not agree on what shows through.
"""

from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from django.core.files.storage import default_storage
from PIL import Image, ImageOps

from videos.engines import base as engines_base
from videos.media import images, pixels
from videos.models import Upload

# Larger reference images are scaled down: engines take a few megabytes an image, and see no more.
MOST_PIXELS, MOST_BYTES = (2048, 2048), 2 * 1024 * 1024
OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 1},
    "WEBP": {"quality": 95, "method": 0},
}


def frame(upload: Upload, size: str) -> engines_base.Image:
    """The image in exactly `size` pixels, cropped around its centre."""
    return engines_base.Image(
        name=f"{Path(upload.name).stem}.png",
        content_type="image/png",
        open=partial(_fit, upload, size),
    )


def reference(upload: Upload) -> engines_base.Image:
    """The whole image; a JPEG of at most MOST_PIXELS if it is larger than an engine needs."""
    is_small = max(upload.width, upload.height) <= max(MOST_PIXELS)
    if is_small and upload.size_bytes <= MOST_BYTES:
        opened = partial(_open_opaque, upload)
        return engines_base.Image(upload.name, upload.content_type, opened)
    name = f"{Path(upload.name).stem}.jpg"
    return engines_base.Image(name, "image/jpeg", partial(_scale_down, upload))


def _fit(upload: Upload, size: str) -> IO[bytes]:
    width, height = map(int, size.split("x"))
    with upload.file.open("rb") as file, images.decoded(file, target=(width, height)) as image:
        opaque = pixels.on_background(image)
        fitted = ImageOps.fit(opaque, (width, height), Image.Resampling.LANCZOS)
    return _encode(fitted, "PNG", compress_level=1)


def _open_opaque(upload: Upload) -> IO[bytes]:
    """Return the file as it is stored, or without its transparency in the same format."""
    format = upload.content_type.rpartition("/")[2].upper()
    if format != "JPEG":
        # The decoder closes the file that it reads.
        with upload.file.open("rb") as stored, images.decoded(stored) as image:
            if image.mode == "RGBA":
                return _encode(pixels.on_background(image), format, **OPTIONS[format])
    return default_storage.open(str(upload.file.name), "rb")


def _scale_down(upload: Upload) -> IO[bytes]:
    with upload.file.open("rb") as file, images.decoded(file, target=MOST_PIXELS) as image:
        small = pixels.on_background(image).copy()
        small.thumbnail(MOST_PIXELS)
    return _encode(small, "JPEG", quality=90)


def _encode(image: Image.Image, format: str, **options: Any) -> IO[bytes]:
    body = BytesIO()
    image.save(body, format, **options)
    body.seek(0)
    return body
