"""Fetch the files of a finished video from its engine, store them, and delete them."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import transaction

from videos.credentials import origins, records
from videos.credentials.manifests import Action, Ingredient
from videos.credentials.origins import Origin
from videos.engines.base import Engine, Variant
from videos.engines.errors import BadAnswer, NotReady
from videos.media import export_files, thumbnails
from videos.media.conversion import playable
from videos.models import Video

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class StoredResult:
    """Where a result was stored, as storage names; sizes in bytes.

    `file` is "" for a video that stays at its engine.
    """

    file: str
    size_bytes: int
    sha256: str
    thumbnail: str
    spritesheet: str
    # What its content credentials say; None where they are switched off.
    origin: Origin | None = field(default=None, kw_only=True)


def fetch_result(engine: Engine, video: Video) -> StoredResult:
    """Download a finished job's video, thumbnail and spritesheet, and store them.

    A video that browsers do not play is converted to MP4, and the file to store is signed (see
    videos.credentials.origins). Overwrites what an earlier attempt stored. With KEEP_FILES off the
    video is only checked and its images are made; one that is no MP4 is Unplayable. Raises
    EngineError; BadAnswer for a file that is no complete video.
    """
    kept = settings.KEEP_FILES
    mark = playable.mark_of(video)
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, suffix=".part") as part:
        engine.download(video.engine_job_id, Variant.VIDEO, part)
        part.flush()
        checked = playable.as_playable(part, mark) if kept else playable.as_mp4(part)
        with checked as film:
            check_mp4(film.name)
            thumbnail = thumbnails.fetch_or_draw(engine, video, Variant.THUMBNAIL, film.name)
            spritesheet = thumbnails.fetch_or_draw(engine, video, Variant.SPRITESHEET, film.name)
            names = storage_names(video)
            stored = names[Variant.VIDEO] if kept else ""
            done = playable.what_was_done(part, film, mark)
            with origins.with_origin(
                film, video, fetched=Path(part.name), done=done, sign=kept
            ) as (final, origin):
                sha256, size_bytes = _measure(final)
                if stored:
                    _store(final, stored, size_bytes)
    _store_bytes(names[Variant.THUMBNAIL], thumbnail)
    _store_bytes(names[Variant.SPRITESHEET], spritesheet)
    return StoredResult(
        stored,
        size_bytes,
        sha256,
        names[Variant.THUMBNAIL],
        names[Variant.SPRITESHEET],
        origin=origin,
    )


def store_edited(
    video: Video,
    mp4: str,
    poster_seconds: float | None,
    sources: Sequence[Ingredient] = (),
    done: Sequence[Action] = (),
) -> StoredResult:
    """Store a film that an edit has made, with a thumbnail and a spritesheet drawn from it.

    The thumbnail shows the moment `poster_seconds`, else the middle. The file is signed: it was
    made of `sources` by what is `done`. Overwrites what an earlier attempt stored. Raises BadAnswer
    for a file that is no complete video.
    """
    check_mp4(mp4)
    with (
        Path(mp4).open("rb") as made,
        # The beginning with the visible mark may have been cut off.
        playable.as_playable(made, playable.mark_of(video)) as film,
        origins.with_edit_origin(film, video, sources, done) as (final, origin),
    ):
        return _store_film(video, final, poster_seconds, origin)


def store_imported(video: Video, film: IO[bytes]) -> StoredResult:
    """Store a film that was made elsewhere as it is, as `store_edited` does, and do not sign it."""
    check_mp4(film.name)
    return _store_film(video, film, None, None)


def _store_film(
    video: Video, film: IO[bytes], poster_seconds: float | None, origin: Origin | None
) -> StoredResult:
    thumbnail = thumbnails.draw(film.name, Variant.THUMBNAIL, poster_seconds)
    spritesheet = thumbnails.draw(film.name, Variant.SPRITESHEET)
    names = storage_names(video)
    sha256, size_bytes = _measure(film)
    _store(film, names[Variant.VIDEO], size_bytes)
    _store_bytes(names[Variant.THUMBNAIL], thumbnail)
    _store_bytes(names[Variant.SPRITESHEET], spritesheet)
    return StoredResult(
        names[Variant.VIDEO],
        size_bytes,
        sha256,
        names[Variant.THUMBNAIL],
        names[Variant.SPRITESHEET],
        origin=origin,
    )


def store_alone(
    video: Video, name: str, mp4: str, sources: Sequence[Ingredient], done: Sequence[Action]
) -> StoredResult:
    """Store a signed film under a name of its own, without images; `video` is not stored.

    Overwrites what an earlier attempt stored. Raises BadAnswer for no complete video.
    """
    check_mp4(mp4)
    with (
        Path(mp4).open("rb") as film,
        origins.with_edit_origin(film, video, sources, done) as (final, _origin),
    ):
        sha256, size_bytes = _measure(final)
        _store(final, name, size_bytes)
    return StoredResult(name, size_bytes, sha256, "", "")


def sign_stored(video: Video) -> bool:
    """Sign the stored file of a video that has no manifest yet, or note why that fails.

    Returns whether the file is signed now. Safe to repeat, also after a crash between the file and
    its row. Raises FileNotFoundError.
    """
    name = str(video.file.name)
    with (
        tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, suffix=".mp4") as copy,
        default_storage.open(name, "rb") as stored,
    ):
        while chunk := stored.read(CHUNK_BYTES):
            copy.write(chunk)
        copy.flush()
        with origins.with_origin(copy, video, fetched=Path(copy.name)) as (final, origin):
            sha256, size_bytes = _measure(final)
            if origin is not None and origin.manifest:
                _store(final, name, size_bytes)
    if origin is None:
        return False
    with transaction.atomic():
        rows = Video.objects.filter(pk=video.pk, file=name, deleted_at=None)
        if rows.update(file_sha256=sha256, file_bytes=size_bytes):
            records.record(video.pk, sha256, origin)
    return bool(origin.manifest)


def storage_names(video: Video) -> dict[Variant, str]:
    """The storage names of a video's files."""
    base = f"videos/{video.user_id}/{video.pk}"
    return {
        Variant.VIDEO: f"{base}.mp4",
        Variant.THUMBNAIL: f"{base}.webp",
        Variant.SPRITESHEET: f"{base}-sheet.jpg",
    }


def delete_files(video: Video) -> None:
    """Delete a video's files and its exports; what is not there counts as deleted."""
    for name in storage_names(video).values():
        default_storage.delete(name)
    export_files.delete(video.user_id, video.pk)


def store_file(path: Path, name: str) -> tuple[str, int]:
    """Store a file under a name, and return its SHA-256 and its bytes. Raises NotReady."""
    with path.open("rb") as file:
        sha256, size_bytes = _measure(file)
        _store(file, name, size_bytes)
    return sha256, size_bytes


def check_mp4(path: str) -> None:
    """Raise BadAnswer unless `path` is a complete MP4 with a video track."""
    import av  # noqa: PLC0415 - 17 MB, which a process without videos never needs

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


def _measure(part: Any) -> tuple[str, int]:
    """The SHA-256 and the size of a downloaded file."""
    part.seek(0)
    digest = hashlib.file_digest(part, "sha256").hexdigest()
    return digest, part.tell()


def _store(part: Any, name: str, size: int) -> None:
    """Store the downloaded file, on a local disk by renaming."""
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


def _store_bytes(name: str, body: bytes) -> None:
    _save(name, ContentFile(body))


def _save(name: str, content: "File[bytes]") -> None:
    kept = default_storage.save(name, content)
    if kept != name:
        default_storage.delete(kept)
        raise NotReady(f"storage gave {kept} for {name}")
