"""Tell anybody what the manifest of a file says, and whether the file was made here.

A file is ours by its manifest, signed by us and unaltered; by its bytes; or by what its frames look
like, also after its manifest was removed or it was re-encoded. Nothing of the file is kept.
"""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext as _

from config.lib import rate_limits
from config.lib.connections import release_connection
from config.lib.rate_limits import Rate, TooManyAttempts
from videos.credentials import identity, records

SECONDS = 40
CHUNK_BYTES = 256 * 1024
MODULE = "videos.credentials.inspection"


def most_megabytes() -> int:
    """How large a file may be."""
    return int(settings.VERIFY_MAX_BYTES // 1024**2)


# An inspection may use a core and 2 GB; who waits holds a thread.
AT_ONCE, MOST_WAITING, WAIT_SECONDS = 2, 6, 10
_inspections = threading.Semaphore(AT_ONCE)
_held_requests = threading.Semaphore(MOST_WAITING)


class NotReadable(Exception):
    """The file cannot be looked into; the text says why."""


class TooLarge(NotReadable):
    """The file is larger than VERIFY_MAX_BYTES."""

    def __init__(self) -> None:
        super().__init__(_("The file is larger than %(most)s MB.") % {"most": most_megabytes()})


@dataclass(frozen=True)
class Finding:
    """What was found of a file.

    `recognised_by` is manifest, bytes or frames, "" for a file that was not made here. `manifest`
    is as videos.credentials.reading returns it. `is_signed_here` says whether we signed it, and
    `is_altered` whether the file was changed after it was signed.
    """

    sha256: str
    recognised_by: str
    manifest: dict[str, Any] | None
    is_signed_here: bool

    @property
    def is_altered(self) -> bool:
        return self.manifest is not None and self.manifest["state"] == "Invalid"

    @property
    def is_own_key(self) -> bool:
        """Whether we signed it with a key that nobody else vouches for."""
        return self.is_signed_here and identity.current().is_own

    @property
    def is_trusted(self) -> bool:
        return self.manifest is not None and self.manifest["state"] == "Trusted"


def count(request: HttpRequest) -> None:
    """Count one file of the client's network against RATE_VERIFY. Raises TooManyAttempts."""
    network = rate_limits.network_of(request)
    rate_limits.check(f"verify:{network}", Rate(*settings.RATE_VERIFY))


def verify(file: UploadedFile) -> Finding:
    """Look into an uploaded file. Raises NotReadable or TooManyAttempts."""
    if (file.size or 0) > settings.VERIFY_MAX_BYTES:
        raise TooLarge
    if not file.size:
        raise NotReadable(_("The file is empty."))
    release_connection()
    path = getattr(file, "temporary_file_path", lambda: "")()
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as copy:
        if not path:
            for chunk in file.chunks(CHUNK_BYTES):
                copy.write(chunk)
            copy.flush()
        with _inspection_slot():
            found = _inspect(path or copy.name)
    return judge(found)


@contextmanager
def _inspection_slot() -> Iterator[None]:
    """Run one of AT_ONCE inspections. Raises TooManyAttempts when MOST_WAITING wait or run."""
    if not _held_requests.acquire(blocking=False):
        text = _("Too many files are being checked at the moment. Try again in a few seconds.")
        raise TooManyAttempts(WAIT_SECONDS, text)
    try:
        with _inspections:
            yield
    finally:
        _held_requests.release()


def _inspect(path: str) -> dict[str, Any]:
    command = [sys.executable, "-m", MODULE, path]
    own, trusted = anchors()
    given = json.dumps({"own": own, "trusted": trusted})
    try:
        ended = subprocess.run(  # noqa: S603 - our own program, on a name we made
            command, input=given, capture_output=True, timeout=SECONDS, check=True, text=True,
            cwd=settings.BASE_DIR,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(ended.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise NotReadable(_("This file cannot be read. It may be damaged.")) from error
    return found


def judge(found: dict[str, Any]) -> Finding:
    """Decide by what `videos.credentials.inspection` saw in a file."""
    manifest = found["manifest"]
    is_ours = bool(
        manifest and found["own_state"] == "Trusted" and manifest["serial"] == _own_serial()
    )
    by = ""
    if is_ours:
        by = "manifest"
    elif records.is_known_file(found["sha256"]):
        by = "bytes"
    elif records.is_known_film(found["frames"]):
        by = "frames"
    return Finding(found["sha256"], by, manifest, is_ours)


def anchors() -> tuple[str, str]:
    """Our own certificate, and those that the operator trusts, in PEM; "" for none."""
    try:
        own = identity.current().anchor
    except identity.NoIdentity:
        own = ""
    path = settings.C2PA_TRUST_ANCHORS
    try:
        return own, Path(path).read_text() if path else ""
    except OSError:
        return own, ""


def _own_serial() -> str:
    try:
        return identity.current().serial
    except identity.NoIdentity:
        return ""
