"""Send several files as one uncompressed ZIP file, read while it is sent."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.utils import timezone
from django.utils.text import slugify

from videos.engines.result_streams import ResultStream
from videos.media import delivery
from videos.media.engine_files import EngineFileError
from videos.models import Video

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class ZipEntry:
    """A file: how it is opened, its name in the ZIP, and its time."""

    open: Callable[[], ResultStream]
    name: str
    at: datetime


def list_files(videos: Iterable[Video]) -> list[ZipEntry]:
    """The files of finished videos, named after their titles."""
    return [_entry(video, file_name(video)) for video in videos if video.has_file]


def file_name(video: Video) -> str:
    """The file name of a downloaded video, unique for each video."""
    return f"{slugify(video.display_title[:60]) or 'video'}-{video.pk.hex[:8]}.mp4"


def list_bundle(videos: Iterable[Video]) -> list[ZipEntry]:
    """The files of finished videos as an export has them: in a folder, named after their ids."""
    return [_entry(video, f"files/{video.pk}.mp4") for video in videos if video.has_file]


def _entry(video: Video, name: str) -> ZipEntry:
    at = timezone.localtime(video.created_at)
    return ZipEntry(partial(delivery.open_video, video), name, at)


def add_file(archive: ZipFile, item: ZipEntry) -> bool:
    """Add a file to a ZIP; False, and nothing is added, when its file cannot be read."""
    try:
        source = item.open()
    except (FileNotFoundError, EngineFileError):
        return False
    entry = ZipInfo(item.name, item.at.timetuple()[:6])
    with source, archive.open(entry, "w", force_zip64=True) as target:
        while chunk := source.read(CHUNK_BYTES):
            target.write(chunk)
    return True


async def stream_zip(items: list[ZipEntry], first: IO[bytes] | None = None) -> AsyncIterator[bytes]:
    """Yield the ZIP in chunks; files that are missing or cannot be read are left out.

    The members of the ZIP in `first` come before them; it is closed at the end.
    """
    out = _ChunkBuffer()
    with ZipFile(out, "w", ZIP_STORED) as archive, first or nullcontext():
        members = _copy_members(first, archive, out) if first else iter(())
        while (chunk := await asyncio.to_thread(next, members, None)) is not None:
            yield chunk
        for item in items:
            try:
                source = await asyncio.to_thread(item.open)
            except (FileNotFoundError, EngineFileError):
                continue
            entry = ZipInfo(item.name, item.at.timetuple()[:6])
            with source, archive.open(entry, "w", force_zip64=True) as target:
                while chunk := await asyncio.to_thread(source.read, CHUNK_BYTES):
                    target.write(chunk)
                    yield out.take()
    yield out.take()


def _copy_members(file: IO[bytes], archive: ZipFile, out: "_ChunkBuffer") -> Iterator[bytes]:
    """Copy the members of a ZIP into another one; yields what that has written."""
    with ZipFile(file) as members:
        for info in members.infolist():
            copy = ZipInfo(info.filename, info.date_time)
            copy.compress_type = ZIP_DEFLATED
            with members.open(info) as source, archive.open(copy, "w", force_zip64=True) as target:
                while piece := source.read(CHUNK_BYTES):
                    target.write(piece)
                    yield out.take()


class _ChunkBuffer:
    """A write-only file object that hands its contents over in chunks."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes, /) -> int:
        self.pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Do nothing: `zipfile` calls this, and there is no buffer."""

    def close(self) -> None:
        """Do nothing; there is no file."""

    def take(self) -> bytes:
        """Return what was written since the last call."""
        whole, self.pieces = b"".join(self.pieces), []
        return whole
