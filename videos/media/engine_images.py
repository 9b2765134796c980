"""Images of orders as engines get them: frames in the size of the video, references as they are."""

from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO

from django.core.files.storage import default_storage
from PIL import Image, ImageOps

from videos.engines import base as engines_base
from videos.media import images
from videos.models import Upload

# Larger reference images are scaled down: engines take a few megabytes an image, and see no more.
MOST_PIXELS, MOST_BYTES = (2048, 2048), 2 * 1024 * 1024


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
        opened = partial(default_storage.open, str(upload.file.name), "rb")
        return engines_base.Image(upload.name, upload.content_type, opened)
    name = f"{Path(upload.name).stem}.jpg"
    return engines_base.Image(name, "image/jpeg", partial(_scale_down, upload))


def _fit(upload: Upload, size: str) -> IO[bytes]:
    width, height = map(int, size.split("x"))
    with upload.file.open("rb") as file, images.decoded(file, target=(width, height)) as image:
        fitted = ImageOps.fit(image.convert("RGB"), (width, height), Image.Resampling.LANCZOS)
    body = BytesIO()
    fitted.save(body, "PNG", compress_level=1)
    body.seek(0)
    return body


def _scale_down(upload: Upload) -> IO[bytes]:
    body = BytesIO()
    with upload.file.open("rb") as file, images.decoded(file, target=MOST_PIXELS) as image:
        if image.mode == "RGBA":  # a JPEG has no transparency
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image)  # noqa: PLW2901 - the same picture
        small = image.convert("RGB")
        small.thumbnail(MOST_PIXELS)
    small.save(body, "JPEG", quality=90)
    body.seek(0)
    return body
