"""Fetch the files of a finished video from its engine, store them, and delete them."""

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile

from videos.engines.base import Engine, Variant
from videos.engines.errors import BadAnswer, NotReady
from videos.media import thumbnails
from videos.media.conversion import playable
from videos.models import Video

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class StoredResult:
    """Where a result was stored, as storage names; sizes in bytes."""

    file: str
    size_bytes: int
    sha256: str
    thumbnail: str
    spritesheet: str


def fetch_result(engine: Engine, video: Video) -> StoredResult:
    """Download a finished job's video, thumbnail and spritesheet, and store them.

    A video that browsers do not play is converted to MP4. Overwrites what an earlier attempt
    stored. Raises EngineError; BadAnswer for a file that is no complete video.
    """
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, suffix=".part") as part:
        engine.download(video.engine_job_id, Variant.VIDEO, part)
        part.flush()
        with playable.as_playable(part) as film:
            check_mp4(film.name)
            thumbnail = thumbnails.fetch_or_draw(engine, video, Variant.THUMBNAIL, film.name)
            spritesheet = thumbnails.fetch_or_draw(engine, video, Variant.SPRITESHEET, film.name)
            names = storage_names(video)
            sha256, size_bytes = _store(film, names[Variant.VIDEO])
    _store_bytes(names[Variant.THUMBNAIL], thumbnail)
    _store_bytes(names[Variant.SPRITESHEET], spritesheet)
    return StoredResult(
        names[Variant.VIDEO],
        size_bytes,
        sha256,
        names[Variant.THUMBNAIL],
        names[Variant.SPRITESHEET],
    )


def storage_names(video: Video) -> dict[Variant, str]:
    """The storage names of a video's files."""
    base = f"videos/{video.user_id}/{video.pk}"
    return {
        Variant.VIDEO: f"{base}.mp4",
        Variant.THUMBNAIL: f"{base}.webp",
        Variant.SPRITESHEET: f"{base}-sheet.jpg",
    }


def delete_files(video: Video) -> None:
    """Delete a video's files; what is not there counts as deleted."""
    for name in storage_names(video).values():
        default_storage.delete(name)


def check_mp4(path: str) -> None:
    """Raise BadAnswer unless `path` is a complete MP4 with a video track."""
    with Path(path).open("rb") as file:
        head = file.read(12)
    if head[4:8] != b"ftyp":
        raise BadAnswer(f"not an MP4: {head[:12]!r}")
    try:
        with av.open(path) as container:
            stream = container.streams.video[0]
            base = float(stream.time_base or 0)
            ends = (
                float((p.pts or 0) + (p.duration or 0)) for p in container.demux(stream) if p.size
            )
            last = max(ends, default=0) * base
            promised = float(stream.duration or 0) * base
    except (av.FFmpegError, IndexError) as error:
        raise BadAnswer(f"not a readable MP4: {error}") from error
    if last <= 0 or last < promised * 0.95:
        raise BadAnswer(f"a truncated MP4: {last:.1f} of {promised:.1f} seconds")


def _store(part: Any, name: str) -> tuple[str, int]:
    """Store the downloaded file, on a local disk by renaming; return its SHA-256 and size."""
    part.seek(0)
    digest = hashlib.file_digest(part, "sha256").hexdigest()
    size = part.tell()
    part.seek(0)
    copy = TemporaryUploadedFile(Path(name).name, "video/mp4", size, None)
    while chunk := part.read(CHUNK_BYTES):
        copy.write(chunk)
    copy.flush()
    os.fsync(copy.fileno())
    copy.seek(0)
    try:
        _save(name, copy)
    finally:
        copy.close()
    return digest, size


def _store_bytes(name: str, body: bytes) -> None:
    _save(name, ContentFile(body))


def _save(name: str, content: "File[bytes]") -> None:
    kept = default_storage.save(name, content)
    if kept != name:
        default_storage.delete(kept)
        raise NotReady(f"storage gave {kept} for {name}")
