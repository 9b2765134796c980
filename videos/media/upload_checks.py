"""Check uploaded files by name, size and content."""

import json
import subprocess
import sys
import tempfile
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from videos.media import probe
from videos.media.concurrency import ConcurrencyLimit
from videos.models import Upload

# Allowed extensions and the content each must have. Source: C09.
IMAGES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".gif": "GIF", ".webp": "WEBP"}
CLIPS = {
    ".mp4": "video/mp4",
    ".avi": "video/x-msvideo",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
}
PROBE_SECONDS = 30
# A hostile clip may use a core and 1 GiB for as long as PROBE_SECONDS.
_probes = ConcurrencyLimit(2)


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


def probe_clip(file: UploadedFile, kind: str, owner_id: UUID) -> dict[str, Any]:
    """Probe a clip in another process, which may crash on it. Raises BadFile or TooManyAtOnce."""
    with (
        _probes.slot(owner_id),
        tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as copy,
    ):
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
