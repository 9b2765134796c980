"""Check a clip in a process of its own, so that a hostile file can harm only that process.

    python probe.py PATH mp4|mov|webm|avi

Imports nothing of ours. Prints {"width", "height", "seconds"} of a complete clip that plays by
itself, or {"refused": why}.
"""

import json
import re
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

MEMORY_BYTES = 1024**3
CPU_SECONDS = 20
MAX_SECONDS = 10 * 60
MAX_SIDE = 8192
DEMUXERS = {"mp4": "mov", "mov": "mov", "webm": "matroska", "avi": "avi"}
CODECS = {"h264", "hevc", "mpeg4", "mjpeg", "prores", "vp8", "vp9", "av1", "msmpeg4v3", "rawvideo"}
# The boxes that a clip begins with; those after it may have any name, for makers add their own.
FIRST_BOXES = {b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"uuid"}
IMAGE_BRANDS = {b"heic", b"heix", b"mif1", b"avif"}
BOX_NAME = re.compile(rb"[ -~\xa9]{4}")
EBML, WEBM = b"\x1a\x45\xdf\xa3", b"\x42\x82\x84webm"
CHUNK_BYTES = 256 * 1024
COVER = 1024  # av.stream.Disposition.attached_pic
PATH_TO_REFERENCES = (b"trak", b"mdia", b"minf", b"dinf", b"dref")


class Refused(Exception):
    """The clip is not accepted; the text tells the user why."""


BROKEN = "The file is incomplete, or other data is attached to it."
ELSEWHERE = "The clip refers to another file."


# ---- container: its parts must fill the file exactly ----


def check_shape(file: IO[bytes], kind: str, size: int) -> None:
    """Raise Refused unless the file is of this kind from its first byte to its last."""
    shape = {"webm": _check_webm, "avi": _check_avi}.get(kind, _check_mp4)
    shape(file, size)


def _not_a(kind: str, file: IO[bytes]) -> Refused:
    """The refusal of a file of another kind; it says which, if that is clear."""
    file.seek(0)
    head = file.read(1024)
    found = ""
    if head.startswith(EBML):
        found = "WebM" if WEBM in head[:64] else "Matroska (MKV)"
    elif head[4:8] in FIRST_BOXES:
        found = "MP4 or MOV"
    elif head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        found = "AVI"
    elif any(set(head[at :: at + 188]) == {0x47} for at in (0, 4)):  # packets, or with times
        found = "an MPEG transport stream"
    return Refused(f"The file is not {kind} clip{f', but {found}' if found else ''}.")


def _check_mp4(file: IO[bytes], size: int) -> None:
    file.seek(4)
    if file.read(4) not in FIRST_BOXES:
        raise _not_a("an MP4 or MOV", file)
    boxes = list(_read_boxes(file, 0, size))
    indexes = [(start, end) for name, start, end in boxes if name == b"moov"]
    file.seek(8)
    if not indexes and file.read(4) in IMAGE_BRANDS:
        raise Refused("The file is an image, not a clip.")
    if not indexes:
        raise Refused(BROKEN)
    for start, end in indexes:
        names = {name for name, *_ in _read_boxes(file, start, end)}
        if b"rmra" in names:
            raise Refused(ELSEWHERE)
        if b"cmov" in names:  # what it refers to cannot be seen
            raise Refused("Clips with a compressed index are not accepted.")
        _refuse_references(file, start, end, PATH_TO_REFERENCES)


def _read_boxes(file: IO[bytes], at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of the contents of each box between two offsets.

    Zeros may follow the last box, as some cameras write them.
    """
    while at < end:
        file.seek(at)
        head = file.read(min(16, end - at))
        if not any(head[:8]) and _is_zeros(file, at, end):
            return
        length, name, start = int.from_bytes(head[:4], "big"), head[4:8], at + 8
        if length == 1:
            length, start = int.from_bytes(head[8:16], "big"), at + 16
        elif length == 0:
            length = end - at
        if at + length < start or at + length > end or not BOX_NAME.fullmatch(name):
            raise Refused(BROKEN)
        yield name, start, at + length
        at += length


def _is_zeros(file: IO[bytes], at: int, end: int) -> bool:
    file.seek(at)
    for left in range(end - at, 0, -CHUNK_BYTES):
        if any(file.read(min(left, CHUNK_BYTES))):
            return False
    return True


def _refuse_references(file: IO[bytes], start: int, end: int, path: tuple[bytes, ...]) -> None:
    """Raise Refused for a clip whose media is in another file or at a URL."""
    for name, inner, stop in _read_boxes(file, start, end):
        if name == path[0] and len(path) > 1:
            _refuse_references(file, inner, stop, path[1:])
        elif name == path[0]:
            for _kind, entry, _end in _read_boxes(file, inner + 8, stop):
                file.seek(entry)
                if not file.read(4)[-1:] == b"\x01":
                    raise Refused(ELSEWHERE)


def _check_avi(file: IO[bytes], size: int) -> None:
    at = 0
    while at < size - 1:
        file.seek(at)
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:12] not in {b"AVI ", b"AVIX"}:
            raise Refused(BROKEN) if at else _not_a("an AVI", file)
        at += 8 + int.from_bytes(head[4:8], "little")
        at += at % 2
    if at > size + 1:
        raise Refused(BROKEN)


def _check_webm(file: IO[bytes], size: int) -> None:
    file.seek(0)
    head = file.read(1024)
    if not head.startswith(EBML) or WEBM not in head[:64]:
        raise _not_a("a WebM", file)
    at = 4
    length, width = _read_vint(head, at)
    at += width + length
    if head[at : at + 4] != b"\x18\x53\x80\x67":
        raise Refused("The file is not a WebM clip.")
    length, width = _read_vint(head, at + 4)
    unknown = length == (1 << 7 * width) - 1
    if not unknown and at + 4 + width + length != size:
        raise Refused(BROKEN)


def _read_vint(head: bytes, at: int) -> tuple[int, int]:
    """A variable-length EBML number and its length in bytes."""
    first = head[at] if at < len(head) else 0
    if not first:
        raise Refused(BROKEN)
    width = 9 - first.bit_length()
    raw = int.from_bytes(head[at : at + width], "big")
    return raw & ((1 << 7 * width) - 1), width


# ---- video track ----


def probe(path: str, kind: str) -> dict[str, Any]:
    """Raise Refused unless `path` is a complete clip of this kind whose video track decodes."""
    # Import only after the limits of this process are set.
    import av  # noqa: PLC0415

    options = {"protocol_whitelist": "file", "enable_drefs": "0", "use_absolute_path": "0"}
    try:
        with av.open(path, format=DEMUXERS[kind], options=options, metadata_errors="replace") as c:
            return _check_stream(c)
    except (av.FFmpegError, ValueError, StopIteration) as error:
        raise Refused("The clip cannot be played.") from error


def _check_stream(container: Any) -> dict[str, Any]:
    pictures = container.streams.video
    # The cover of a song is a video track, too.
    stream = next((each for each in pictures if not each.disposition & COVER), None)
    if stream is None:
        raise Refused("The file has no video track.")
    codec = stream.codec_context
    if codec.name.removeprefix("lib") not in CODECS and codec.codec.canonical_name not in CODECS:
        raise Refused(f"Clips with the codec {codec.name} are not accepted.")
    if not (0 < codec.width <= MAX_SIDE and 0 < codec.height <= MAX_SIDE):
        raise Refused(f"The clip is larger than {MAX_SIDE} pixels a side.")
    codec.thread_count = 1
    sideways = next(container.decode(stream)).rotation % 180
    container.seek(0)
    base = float(stream.time_base or 0)
    ends = (
        float((p.pts if p.pts is not None else p.dts or 0) + (p.duration or 0))
        for p in container.demux(stream)
        if p.size
    )
    seconds = max(ends, default=0) * base
    promised = float(stream.duration or 0) * base
    if seconds < promised * 0.95:
        raise Refused(BROKEN)
    if not 0 < seconds <= MAX_SECONDS:
        raise Refused(f"The clip is longer than {MAX_SECONDS // 60} minutes, or has no length.")
    width, height = (codec.height, codec.width) if sideways else (codec.width, codec.height)
    return {"width": width, "height": height, "seconds": round(seconds, 3)}


def main(path: str, kind: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        with Path(path).open("rb") as file:
            check_shape(file, kind, Path(path).stat().st_size)
        found = probe(path, kind)
    except Refused as error:
        found = {"refused": str(error)}
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:3])
