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

from videos.media import probe, sound_probe
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
SOUNDS = {
    ".mp3": "audio/mpeg",
    ".m4a": "audio/mp4",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
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
    kinds = {Upload.Kind.IMAGE: IMAGES, Upload.Kind.VIDEO: CLIPS, Upload.Kind.AUDIO: SOUNDS}
    allowed = kinds.get(Upload.Kind(kind)) if kind in Upload.Kind.values else None
    if allowed is None:
        raise BadFile(_("Invalid file type. file_type is image, video or audio."))
    if suffix not in allowed:
        text = _("Invalid file type. Allowed for %(kind)s: %(allowed)s.")
        raise BadFile(text % {"kind": kind, "allowed": ", ".join(allowed)})
    if size_bytes > settings.UPLOAD_MAX_BYTES:
        raise TooLarge
    if size_bytes < settings.UPLOAD_MIN_BYTES:
        raise BadFile(_("Invalid file size. A file has at least 1 KB."))


def probe_clip(file: UploadedFile, kind: str, owner_id: UUID) -> dict[str, Any]:
    """Probe a clip in another process, which may crash on it. Raises BadFile or TooManyAtOnce."""
    return _probe(file, probe.__file__, kind, owner_id, _("The clip cannot be played."))


def probe_sound(file: UploadedFile, kind: str, owner_id: UUID) -> dict[str, Any]:
    """Probe sound in another process, which may crash on it. Raises BadFile or TooManyAtOnce."""
    refusal = _("The sound cannot be played.")
    found = _probe(file, sound_probe.__file__, kind, owner_id, refusal)
    if found["seconds"] > settings.EDIT_MAX_SECONDS:
        most = settings.EDIT_MAX_SECONDS
        raise BadFile(_("The sound is longer than %(n)s seconds.") % {"n": most})
    return found


def _probe(
    file: UploadedFile, program: str, kind: str, owner_id: UUID, refusal: str
) -> dict[str, Any]:
    with (
        _probes.slot(owner_id),
        tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as copy,
    ):
        path = getattr(file, "temporary_file_path", lambda: "")()
        if not path:
            for chunk in file.chunks():
                copy.write(chunk)
            copy.flush()
        command = [sys.executable, "-I", program, path or copy.name, kind]
        try:
            ended = subprocess.run(  # noqa: S603 - our own program, on a name we made
                command, capture_output=True, timeout=PROBE_SECONDS, check=True
            )
            found: dict[str, Any] = json.loads(ended.stdout)
        except (subprocess.SubprocessError, ValueError) as error:
            raise BadFile(refusal) from error
    if "refused" in found:
        raise BadFile(found["refused"])
    return found
