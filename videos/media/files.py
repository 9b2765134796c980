"""Bytes: the first frame for an engine, saved results and posters, ranged delivery."""

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import av
from django.conf import settings
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.response import HttpResponseRedirect
from django.utils.http import content_disposition_header, http_date, parse_http_date_safe
from PIL import Image, ImageOps, UnidentifiedImageError

from videos.engines import base as engines_base
from videos.engines.base import BadAnswer, Engine, EngineError, NotReady, Variant
from videos.models import Upload, Video

CHUNK_BYTES = 256 * 1024
IMAGE_FORMATS = ("JPEG", "PNG", "WEBP")
OWNERS_ONLY = "private, max-age=0, must-revalidate"
SHEET_COLUMNS, SHEET_ROWS, SHEET_WIDTH = 4, 3, 320


@dataclass(frozen=True)
class Saved:
    """Where a result was stored, as storage names; sizes in bytes."""

    file: str
    size_bytes: int
    sha256: str
    thumbnail: str
    spritesheet: str


# ---- what goes to the engine ----


def first_frame(upload: Upload, size: str) -> engines_base.Image:
    """The image as the engine wants it: exactly `size` pixels, cropped around its middle."""
    return engines_base.Image(
        name=f"{Path(upload.name).stem}.png",
        content_type="image/png",
        open=partial(_fitted, upload, size),
    )


def _fitted(upload: Upload, size: str) -> IO[bytes]:
    width, height = map(int, size.split("x"))
    with upload.file.open("rb") as file, Image.open(file) as image:
        fitted = ImageOps.fit(image.convert("RGB"), (width, height), Image.Resampling.LANCZOS)
    body = BytesIO()
    fitted.save(body, "PNG", compress_level=1)
    body.seek(0)
    return body


# ---- what the engine made ----


def collect(engine: Engine, video: Video) -> Saved:
    """Fetch a finished job's MP4, poster and spritesheet, and store them under its own names.

    Whatever of a former try is there is overwritten. Raises EngineError; BadAnswer for a file
    that is not a whole MP4.
    """
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, suffix=".part") as part:
        engine.download(video.engine_job_id, Variant.VIDEO, part)
        part.flush()
        check_mp4(part.name)
        thumbnail = _picture(engine, video, Variant.THUMBNAIL, part.name)
        spritesheet = _picture(engine, video, Variant.SPRITESHEET, part.name)
        names = names_of(video)
        sha256, size_bytes = _store(part, names[Variant.VIDEO])
    _put(names[Variant.THUMBNAIL], thumbnail)
    _put(names[Variant.SPRITESHEET], spritesheet)
    return Saved(
        names[Variant.VIDEO],
        size_bytes,
        sha256,
        names[Variant.THUMBNAIL],
        names[Variant.SPRITESHEET],
    )


def names_of(video: Video) -> dict[Variant, str]:
    """The storage names of a video's files."""
    base = f"videos/{video.user_id}/{video.pk}"
    return {
        Variant.VIDEO: f"{base}.mp4",
        Variant.THUMBNAIL: f"{base}.webp",
        Variant.SPRITESHEET: f"{base}-sheet.jpg",
    }


def remove(video: Video) -> None:
    """Delete a video's files; what is not there counts as deleted."""
    for name in names_of(video).values():
        default_storage.delete(name)


def check_mp4(path: str) -> None:
    """Raises BadAnswer unless `path` is a whole MP4 with a picture track."""
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


def _picture(engine: Engine, video: Video, variant: Variant, mp4: str) -> bytes:
    """The engine's picture, or one of our own where it has none."""
    body = BytesIO()
    try:
        engine.download(video.engine_job_id, variant, body)
        with Image.open(body, formats=IMAGE_FORMATS) as image:
            image.load()
            return _encoded(image.convert("RGB"), variant)
    except (EngineError, UnidentifiedImageError, OSError, SyntaxError):
        return _drawn(mp4, variant)


def _drawn(mp4: str, variant: Variant) -> bytes:
    frames = _frames(mp4, SHEET_COLUMNS * SHEET_ROWS)
    if variant is Variant.THUMBNAIL:
        return _encoded(frames[len(frames) // 2], variant)
    tile = (SHEET_WIDTH, round(SHEET_WIDTH * frames[0].height / frames[0].width))
    sheet = Image.new("RGB", (tile[0] * SHEET_COLUMNS, tile[1] * SHEET_ROWS))
    for n, frame in enumerate(frames):
        sheet.paste(frame.resize(tile), (n % SHEET_COLUMNS * tile[0], n // SHEET_COLUMNS * tile[1]))
    return _encoded(sheet, variant)


def _frames(mp4: str, count: int) -> list[Image.Image]:
    """`count` frames spread over the clip; fewer when it has fewer."""
    with av.open(mp4) as container:
        stream = container.streams.video[0]
        step = max((stream.frames or count) // count, 1)
        found: list[Image.Image] = []
        for n, frame in enumerate(container.decode(stream)):
            if n % step == 0 and len(found) < count:
                found.append(frame.to_image())  # type: ignore[no-untyped-call]
    if not found:
        raise BadAnswer("an MP4 without frames")
    return found


def _encoded(image: Image.Image, variant: Variant) -> bytes:
    body = BytesIO()
    if variant is Variant.THUMBNAIL:
        image.thumbnail((960, 960))
        image.save(body, "WEBP", quality=80)
    else:
        image.save(body, "JPEG", quality=80)
    return body.getvalue()


def _store(part: Any, name: str) -> tuple[str, int]:
    """Put the downloaded file in storage, on a local disk by renaming it; its SHA-256 and size."""
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


def _put(name: str, body: bytes) -> None:
    _save(name, ContentFile(body))


def _save(name: str, content: "File[bytes]") -> None:
    kept = default_storage.save(name, content)
    if kept != name:
        default_storage.delete(kept)
        raise NotReady(f"storage gave {kept} for {name}")


# ---- what goes out ----


@dataclass(frozen=True)
class Deliverable:
    """A stored file as a client gets it."""

    name: str
    content_type: str
    filename: str
    etag: str


def deliver(
    request: HttpRequest, file: Deliverable, *, attachment: bool, public: bool = False
) -> HttpResponseBase:
    """Answer with a stored file: whole, one range (206), not modified (304) or refused (416).

    Files in remote storage are answered by a redirect to a signed address. A file that is gone
    raises FileNotFoundError. What is `public` may be kept by caches for an hour.
    """
    try:
        path = Path(default_storage.path(file.name))
    except NotImplementedError:
        return HttpResponseRedirect(default_storage.url(file.name))
    stat = path.stat()
    etag = f'"{file.etag}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Last-Modified": http_date(stat.st_mtime),
        "Cache-Control": "public, max-age=3600" if public else OWNERS_ONLY,
        "Content-Disposition": content_disposition_header(attachment, file.filename) or "inline",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    if _unchanged(request, etag, int(stat.st_mtime)):
        return HttpResponse(status=304, headers=headers)
    wanted = _range(request, stat.st_size, etag, int(stat.st_mtime))
    if wanted is None:
        headers["Content-Range"] = f"bytes */{stat.st_size}"
        return HttpResponse(status=416, headers=headers, content_type=file.content_type)
    start, stop, partial_answer = wanted
    if partial_answer:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{stat.st_size}"
    headers["Content-Length"] = str(stop - start)
    status = 206 if partial_answer else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers, content_type=file.content_type)
    return StreamingHttpResponse(
        _chunks(path, start, stop), status=status, headers=headers, content_type=file.content_type
    )


async def _chunks(path: Path, start: int, stop: int) -> AsyncIterator[bytes]:
    """Read by position in a thread, so that a slow reader holds neither a thread nor the file."""
    loop = asyncio.get_running_loop()
    handle = os.open(path, os.O_RDONLY)
    try:
        while start < stop:
            read: Callable[[], bytes] = partial(
                os.pread, handle, min(CHUNK_BYTES, stop - start), start
            )
            chunk = await loop.run_in_executor(None, read)
            if not chunk:
                raise OSError(f"{path.name} became shorter while it was sent")
            start += len(chunk)
            yield chunk
    finally:
        os.close(handle)


def _unchanged(request: HttpRequest, etag: str, modified: int) -> bool:
    if tags := request.headers.get("If-None-Match"):
        return tags.strip() == "*" or etag in [
            tag.strip().removeprefix("W/") for tag in tags.split(",")
        ]
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    return since is not None and modified <= since


def _range(
    request: HttpRequest, size: int, etag: str, modified: int
) -> tuple[int, int, bool] | None:
    """(start, stop, whether it is a part); None for a range outside the file."""
    asked = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", request.headers.get("Range", "").strip())
    condition = request.headers.get("If-Range")
    stale = (
        condition is not None
        and condition != etag
        and (parse_http_date_safe(condition) or 0) < modified
    )
    if not asked or asked.groups() == ("", "") or stale:
        return 0, size, False
    first, last = asked.groups()
    if not first:  # the last n bytes
        length = int(last)
        return (max(size - length, 0), size, True) if length and size else None
    start = int(first)
    stop = min(int(last) + 1, size) if last else size
    return (start, stop, True) if start < size and start < stop else None
