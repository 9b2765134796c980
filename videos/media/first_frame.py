"""The reference image as first frame of a video: cropped and scaled to its size."""

from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO

from PIL import Image, ImageOps

from videos.engines import base as engines_base
from videos.media import images
from videos.models import Upload


def first_frame(upload: Upload, size: str) -> engines_base.Image:
    """The image as engines need it: exactly `size` pixels, cropped around its centre."""
    return engines_base.Image(
        name=f"{Path(upload.name).stem}.png",
        content_type="image/png",
        open=partial(_fit, upload, size),
    )


def _fit(upload: Upload, size: str) -> IO[bytes]:
    width, height = map(int, size.split("x"))
    with upload.file.open("rb") as file, images.decoded(file, target=(width, height)) as image:
        fitted = ImageOps.fit(image.convert("RGB"), (width, height), Image.Resampling.LANCZOS)
    body = BytesIO()
    fitted.save(body, "PNG", compress_level=1)
    body.seek(0)
    return body
