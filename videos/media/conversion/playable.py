"""Decide whether a downloaded result plays in browsers as it is, and convert it where not."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from django.conf import settings

from accounts.people import profile
from videos.credentials import origins
from videos.credentials.manifests import Action
from videos.engines.errors import BadAnswer, Unavailable, Unplayable
from videos.media.concurrency import ConcurrencyLimit
from videos.media.conversion import marks, process
from videos.models import Video

CONVERSION_SECONDS = 15 * 60
# The first parts of MP4 and QuickTime files.
BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}
QUICKTIME = b"qt  "
# How many parts the worker itself reads; usual files have about five, or their index first.
MOST_BOXES = 1000
# A conversion uses two cores and may need gigabytes.
_converting = ConcurrencyLimit(1)


def mark_of(video: Video) -> bytes:
    """The picture with which the owner's videos are marked as made by AI; b"" for none."""
    regions = settings.AI_MARK.split(",")
    if settings.AI_MARK == "off" or not settings.KEEP_FILES:
        return b""
    if regions != ["always"] and profile.region_of(video.user) not in regions:
        return b""
    return marks.draw(video.user.language)


def what_was_done(fetched: IO[bytes], film: IO[bytes], mark: bytes) -> list[Action]:
    """How the film came from the fetched file, for its content credentials."""
    if film is fetched:
        return []
    return [origins.CONVERTED, *([origins.MARKED] if mark else [])]


@contextmanager
def as_playable(file: IO[bytes], mark: bytes = b"") -> Iterator[IO[bytes]]:
    """Yield the file itself if browsers play it and it gets no mark, else a converted MP4.

    Raises BadAnswer for a file that is no video or is damaged, Unplayable for one that nobody can
    convert, Unavailable when our disk is full.
    """
    kind = _container_of(file)
    if kind == "mov" and not mark and _plays(file):
        yield file
        return
    folder = settings.FILE_UPLOAD_TEMP_DIR
    with (
        tempfile.NamedTemporaryFile(dir=folder, suffix=".mp4") as made,
        tempfile.NamedTemporaryFile(dir=folder, suffix=".png") as picture,
    ):
        picture.write(mark)
        picture.flush()
        with _converting.slot(None):
            convert(file.name, kind, made.name, picture.name if mark else "")
        yield made


@contextmanager
def as_mp4(file: IO[bytes]) -> Iterator[IO[bytes]]:
    """Yield the file itself. Raises BadAnswer for one that is no video, Unplayable for no MP4."""
    kind = _container_of(file)
    if kind != "mov":
        raise Unplayable(f"a {kind} file would have to be converted, but KEEP_FILES is off")
    yield file


def _container_of(file: IO[bytes]) -> str:
    """FFmpeg's name of the container, by the first bytes. Raises BadAnswer."""
    file.seek(0)
    head = file.read(12)
    if head[4:8] in BOXES:
        return "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return "avi"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    raise BadAnswer(f"not a video: {head!r}")


def _plays(file: IO[bytes]) -> bool:
    """Whether it is an MP4 with its index first and tracks that browsers play.

    A damaged file counts as one: `check_mp4` says what is wrong with it.
    """
    import av  # noqa: PLC0415 - 17 MB, which a process without videos never needs

    file.seek(0)
    if file.read(12)[4:] == b"ftyp" + QUICKTIME or _has_late_index(file):
        return False
    try:
        with av.open(file.name, format="mov", options=process.OPTIONS) as container:
            return all(map(process.is_playable, process.main_streams(container)))
    except (av.FFmpegError, process.Refused):
        return True


def _has_late_index(file: IO[bytes]) -> bool:
    """Whether the index comes after the frames, so that a player needs the end first.

    A file with more parts than MOST_BOXES counts as one, for a conversion has limits.
    """
    has_frames, at = False, 0
    for _ in range(MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if name == b"moov":
            return has_frames
        has_frames = has_frames or name == b"mdat"
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8 or len(head) < 8:
            return False
        at += length
    return True


def convert(source: str, kind: str, target: str, mark: str = "") -> None:
    """Convert a file in a process of its own; `mark` is the path of a PNG to mark it with.

    Raises BadAnswer, Unplayable or Unavailable.
    """
    most = str(settings.RESULT_MAX_BYTES)
    command = [sys.executable, "-I", process.__file__, source, kind, target, most, mark]
    try:
        ended = subprocess.run(  # noqa: S603 - our own program, on names we made
            command, capture_output=True, timeout=CONVERSION_SECONDS, check=True
        )
        said: dict[str, str] = json.loads(ended.stdout)
    except (subprocess.SubprocessError, ValueError) as error:
        raise Unplayable(f"the {kind} file could not be converted: {error}") from error
    match said:
        case {"broken": why}:
            raise BadAnswer(f"a damaged {kind} file: {why}")
        case {"refused": why}:
            raise Unplayable(f"the {kind} file cannot be converted: {why}")
        case {"full": why}:
            raise Unavailable(why)
