"""Check uploaded files by name, size and content."""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Collection
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from videos.media import probe
from videos.models import Upload

IMAGE_MAX_PIXELS = 40_000_000
IMAGE_MAX_SIDE = 16_000  # the limit of WebP, the smallest of our encodings
# Allowed extensions and the content each must have. Source: C09.
IMAGES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".gif": "GIF", ".webp": "WEBP"}
CLIPS = {
    ".mp4": "video/mp4",
    ".avi": "video/x-msvideo",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
}
PROBE_SECONDS = 30
# Decoded images need much memory, so only two are decoded at a time.
DECODING = threading.BoundedSemaphore(2)


class BadFile(Exception):
    """The file is not accepted; the text says why."""


class BadImage(BadFile):
    """The file was uploaded as an image and is not an accepted one."""


class TooLarge(Exception):
    """The file is larger than UPLOAD_MAX_BYTES."""

    def __init__(self) -> None:
        most = settings.UPLOAD_MAX_BYTES // 1024**2
        super().__init__(_("The file is larger than %(most)s MB.") % {"most": most})


def check_name_and_size(kind: str, suffix: str, size_bytes: int) -> None:
    """Raise BadFile or TooLarge unless a file of this kind, suffix and size is accepted."""
    allowed = {Upload.Kind.IMAGE.value: IMAGES, Upload.Kind.VIDEO.value: CLIPS}.get(kind)
    if allowed is None:
        raise BadFile(_("Invalid file type. file_type is image or video."))
    if suffix not in allowed:
        text = _("Invalid file type. Allowed for %(kind)s: %(allowed)s.")
        raise BadFile(text % {"kind": kind, "allowed": ", ".join(allowed)})
    if size_bytes > settings.UPLOAD_MAX_BYTES:
        raise TooLarge
    if size_bytes < settings.UPLOAD_MIN_BYTES:
        raise BadFile(_("Invalid file size. A file has at least 1 KB."))


def _list_formats(formats: Collection[str]) -> str:
    """The formats as words, such as "JPEG, PNG or WebP"."""
    *most, last = (name.replace("WEBP", "WebP") for name in formats)
    names = {"most": ", ".join(most), "last": last}
    return _("%(most)s or %(last)s") % names if most else last


def decode_image(file: IO[bytes] | UploadedFile, formats: Collection[str]) -> Image.Image:
    """Decode an image upright and without metadata, as RGB or RGBA. Raises BadImage."""
    try:
        with DECODING, Image.open(file, formats=list(formats)) as image:
            if image.width * image.height > IMAGE_MAX_PIXELS:
                raise BadImage(_("The image has more than 40 megapixels."))
            if max(image.size) > IMAGE_MAX_SIDE:
                text = _("The image has more than %(most)s pixels a side.")
                raise BadImage(text % {"most": IMAGE_MAX_SIDE})
            turned = ImageOps.exif_transpose(image)
            plain = turned.convert("RGBA" if turned.has_transparency_data else "RGB")
            plain.info.clear()  # comments and profiles would be saved again
            return plain
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise BadImage(
            _("The file is not a %(names)s image.") % {"names": _list_formats(formats)}
        ) from error
    except Image.DecompressionBombError as error:
        raise BadImage(_("The image has more than 40 megapixels.")) from error


def probe_clip(file: UploadedFile, kind: str) -> dict[str, Any]:
    """Probe a clip in another process, which may crash on it. Raises BadFile."""
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as copy:
        path = getattr(file, "temporary_file_path", lambda: "")()
        if not path:
            for chunk in file.chunks():
                copy.write(chunk)
            copy.flush()
        command = [sys.executable, "-I", probe.__file__, path or copy.name, kind]
        try:
            ended = subprocess.run(  # noqa: S603 - our own program, on a name we made
                command, capture_output=True, timeout=PROBE_SECONDS, check=True
            )
            found: dict[str, Any] = json.loads(ended.stdout)
        except (subprocess.SubprocessError, ValueError) as error:
            raise BadFile(_("The clip cannot be played.")) from error
    if "refused" in found:
        raise BadFile(found["refused"])
    return found
