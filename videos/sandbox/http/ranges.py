"""Files over HTTP: HEAD, one byte range, and the headers players and resumed downloads need."""

import re
from pathlib import Path

from django.http import HttpRequest, HttpResponse

from videos.sandbox.http.errors import ApiError


def file_response(request: HttpRequest, file: Path, content_type: str) -> HttpResponse:
    """Return the answer to a GET or HEAD of a file: the whole, or the requested byte range.

    Raises ApiError 416 when the range lies outside the file, and FileNotFoundError.
    Several ranges, or a header that is not a range, are answered with the whole file.
    Source: RFC 9110, 14.
    """
    size = file.stat().st_size
    first, last = 0, size - 1
    requested = _parse_range(request.headers.get("Range", ""), size)
    if requested is not None:
        first, last = requested
    length = last - first + 1
    response = HttpResponse(
        b"" if request.method == "HEAD" else _read(file, first, length),
        content_type=content_type,
        status=200 if requested is None else 206,
    )
    response["Content-Length"] = str(length)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = f'"{file.stem}"'
    if requested is not None:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def _read(file: Path, first: int, length: int) -> bytes:
    with file.open("rb") as stream:
        stream.seek(first)
        return stream.read(length)


def _parse_range(header: str, size: int) -> tuple[int, int] | None:
    match = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", header.strip())
    if match is None or not (match[1] or match[2]):
        return None
    if match[1]:
        first, last = int(match[1]), min(int(match[2] or size - 1), size - 1)
        if match[2] and int(match[2]) < first:
            return None
    else:
        first, last = max(size - int(match[2]), 0), size - 1
    if first > last:
        raise ApiError(
            416,
            "The requested range lies outside the file.",
            code="range_not_satisfiable",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return first, last
