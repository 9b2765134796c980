"""Files over HTTP: one byte range, HEAD, and the lengths that players and resumers rely on."""

import re
from pathlib import Path

from django.http import HttpRequest, HttpResponse

from videos.sandbox.request_parsing import Refused


def answer(request: HttpRequest, file: Path, content_type: str) -> HttpResponse:
    """Answer a GET or HEAD with a file or the range asked for.

    Raises Refused with 416 when no byte of the file lies in the range, and FileNotFoundError.
    Several ranges, or a header that is no range, get the whole file. Source: RFC 9110, 14.
    """
    size = file.stat().st_size
    first, last = 0, size - 1
    asked = _read_range(request.headers.get("Range", ""), size)
    if asked is not None:
        first, last = asked
    length = last - first + 1
    response = HttpResponse(
        b"" if request.method == "HEAD" else _read(file, first, length),
        content_type=content_type,
        status=200 if asked is None else 206,
    )
    response["Content-Length"] = str(length)
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = f'"{file.stem}"'
    if asked is not None:
        response["Content-Range"] = f"bytes {first}-{last}/{size}"
    return response


def _read(file: Path, first: int, length: int) -> bytes:
    with file.open("rb") as opened:
        opened.seek(first)
        return opened.read(length)


def _read_range(header: str, size: int) -> tuple[int, int] | None:
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
        raise Refused(
            416,
            "The requested range lies outside the file.",
            code="range_not_satisfiable",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return first, last
