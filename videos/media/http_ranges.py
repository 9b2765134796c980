"""Answer requests for stored files: whole, in ranges, or not modified."""

import asyncio
import os
import re
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.response import HttpResponseRedirect
from django.utils.http import content_disposition_header, http_date, parse_http_date_safe

from videos.media import files

PRIVATE_CACHE = "private, max-age=0, must-revalidate"


@dataclass(frozen=True)
class StoredFile:
    """A file in storage, and the headers it is sent with."""

    name: str
    content_type: str
    filename: str
    etag: str


@dataclass(frozen=True)
class Facts:
    """The size of a file in bytes, and the time of its last change in unix seconds."""

    size: int
    modified: int


def file_response(
    request: HttpRequest, file: StoredFile, *, attachment: bool, public: bool = False
) -> HttpResponseBase:
    """Answer with a stored file: whole, one range (206), not modified (304) or refused (416).

    Redirects a GET to a signed URL of the bucket, if there is one; a HEAD is answered here, for the
    URL is signed for GET. With X_ACCEL_PREFIX the proxy in front finds out what is asked for and
    sends it. Raises FileNotFoundError for a missing file. Caches may keep a `public` file for an
    hour.
    """
    path = _local_path(file)
    if path is None and request.method != "HEAD":
        return _redirect_to_bucket(file, attachment)
    facts = Facts(*_size_and_time(file, path))
    if path and settings.X_ACCEL_PREFIX:
        return _left_to_proxy(file, attachment, public)
    body = partial(_chunks, path or Path())
    return range_response(request, file, facts, body, attachment=attachment, public=public)


def range_response(
    request: HttpRequest,
    file: StoredFile,
    facts: Facts,
    body: Callable[[int, int], AsyncIterable[bytes]],
    *,
    attachment: bool,
    public: bool,
) -> HttpResponseBase:
    """Answer with a file of these facts; `body` yields its bytes from one place to before another.

    It is called only when some are sent.
    """
    size, modified = facts.size, facts.modified
    etag = f'"{file.etag}"'
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": etag,
        "Last-Modified": http_date(modified),
        **_lasting_headers(file, attachment, public),
    }
    if _is_unchanged(request, etag, modified):
        return HttpResponse(status=304, headers=headers, content_type=file.content_type)
    wanted = _requested_range(request, size, etag, modified)
    if wanted is None:
        headers["Content-Range"] = f"bytes */{size}"
        return HttpResponse(status=416, headers=headers, content_type=file.content_type)
    start, stop, partial_answer = wanted
    if partial_answer:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    headers["Content-Length"] = str(stop - start)
    status = 206 if partial_answer else 200
    if request.method == "HEAD":
        return HttpResponse(status=status, headers=headers, content_type=file.content_type)
    return StreamingHttpResponse(
        body(start, stop), status=status, headers=headers, content_type=file.content_type
    )


def _lasting_headers(file: StoredFile, attachment: bool, public: bool) -> dict[str, str]:
    """Return the headers that do not depend on what was asked for."""
    return {
        "Cache-Control": "public, max-age=3600" if public else PRIVATE_CACHE,
        "Content-Disposition": _disposition(file, attachment),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }


def _left_to_proxy(file: StoredFile, attachment: bool, public: bool) -> HttpResponse:
    """Name the file to nginx or Caddy, which finds out what part of it was asked for."""
    headers = _lasting_headers(file, attachment, public)
    headers["X-Accel-Redirect"] = settings.X_ACCEL_PREFIX + quote(file.name)
    return HttpResponse(headers=headers, content_type=file.content_type)


def _local_path(file: StoredFile) -> Path | None:
    try:
        return Path(default_storage.path(file.name))
    except NotImplementedError:
        return None


def _size_and_time(file: StoredFile, path: Path | None) -> tuple[int, int]:
    """The size in bytes and the time of the last change. Raises FileNotFoundError."""
    if path:
        stat = path.stat()
        return stat.st_size, int(stat.st_mtime)
    size = default_storage.size(file.name)
    return size, int(default_storage.get_modified_time(file.name).timestamp())


def _redirect_to_bucket(file: StoredFile, attachment: bool) -> HttpResponse:
    storage: Any = default_storage
    parameters = {
        "ResponseContentDisposition": _disposition(file, attachment),
        "ResponseContentType": file.content_type,
    }
    url = storage.url(file.name, parameters=parameters)
    # Not to be cached: the signature expires.
    return HttpResponseRedirect(url, headers={"Cache-Control": "private, no-store"})


def _disposition(file: StoredFile, attachment: bool) -> str:
    return content_disposition_header(attachment, file.filename) or "inline"


async def _chunks(path: Path, start: int, stop: int) -> AsyncIterator[bytes]:
    """Read each chunk in a thread, so that a slow client does not occupy one."""
    loop = asyncio.get_running_loop()
    handle = os.open(path, os.O_RDONLY)
    try:
        while start < stop:
            read: Callable[[], bytes] = partial(
                os.pread, handle, min(files.CHUNK_BYTES, stop - start), start
            )
            chunk = await loop.run_in_executor(None, read)
            if not chunk:
                raise OSError(f"{path.name} was truncated while it was sent")
            start += len(chunk)
            yield chunk
    finally:
        os.close(handle)


def _is_unchanged(request: HttpRequest, etag: str, modified: int) -> bool:
    if tags := request.headers.get("If-None-Match"):
        return tags.strip() == "*" or etag in [
            tag.strip().removeprefix("W/") for tag in tags.split(",")
        ]
    since = parse_http_date_safe(request.headers.get("If-Modified-Since", ""))
    return since is not None and modified <= since


def _requested_range(
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
