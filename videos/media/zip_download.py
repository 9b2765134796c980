"""Several videos as one ZIP file, which is sent while it is read: nothing is held or compressed."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from django.core.files.storage import default_storage
from django.utils import timezone
from django.utils.text import slugify

from videos.models import Video

CHUNK_BYTES = 256 * 1024


@dataclass(frozen=True)
class Item:
    """A stored file and what it is called in the ZIP."""

    stored: str
    name: str
    at: datetime


def items_of(videos: Iterable[Video]) -> list[Item]:
    """The files of finished videos, named after their prompts."""
    return [
        Item(str(video.file.name), name_of(video), timezone.localtime(video.created_at))
        for video in videos
        if video.file
    ]


def name_of(video: Video) -> str:
    """What a video's file is called where people keep it; no two are called the same."""
    return f"{slugify(video.prompt[:60]) or 'video'}-{video.pk.hex[:8]}.mp4"


async def zipped(items: list[Item]) -> AsyncIterator[bytes]:
    """The ZIP, piece by piece; a file that is gone from storage is left out."""
    out = _Out()
    with ZipFile(out, "w", ZIP_STORED) as archive:
        for item in items:
            try:
                source = await asyncio.to_thread(default_storage.open, item.stored, "rb")
            except FileNotFoundError:
                continue
            entry = ZipInfo(item.name, item.at.timetuple()[:6])
            with source, archive.open(entry, "w", force_zip64=True) as target:
                while chunk := await asyncio.to_thread(source.read, CHUNK_BYTES):
                    target.write(chunk)
                    yield out.taken()
    yield out.taken()


class _Out:
    """Where the ZIP is written to: a place that only goes forward."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, piece: bytes, /) -> int:
        self.pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Nothing is open here."""

    def taken(self) -> bytes:
        """What was written since the last time."""
        whole, self.pieces = b"".join(self.pieces), []
        return whole
