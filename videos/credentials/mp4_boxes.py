"""Write texts into the index of an MP4, which then stays where it was.

Only the index is held in memory. Fragmented files, whose parts refer to each other by their
places, are left as they are.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

MOST_INDEX_BYTES = 64 * 1024**2
CONTAINERS = {b"trak", b"mdia", b"minf", b"stbl"}
# The boxes with the places of the frames: how many bytes each place has.
PLACES = {b"stco": 4, b"co64": 8}


class NotWritable(Exception):
    """The file has no index that texts can be written to; nothing was written."""


class Box(NamedTuple):
    """A box from `start` to before `end`, whose contents begin at `inner`."""

    name: bytes
    start: int
    inner: int
    end: int


def write_texts(source: Path, target: Path, items: Sequence[bytes]) -> None:
    """Copy an MP4 to `target` with these items (see `text_item`) added to its texts.

    Raises NotWritable; then `target` is not written.
    """
    size = source.stat().st_size
    with source.open("rb") as file:
        boxes = list(_boxes_of_file(file, size))
        names = [box.name for box in boxes]
        if names.count(b"moov") != 1 or b"moof" in names:
            raise NotWritable("the file has no single index")
        moov = boxes[names.index(b"moov")]
        if moov.end - moov.start > MOST_INDEX_BYTES:
            raise NotWritable("the index is too large")
        file.seek(moov.inner)
        index = bytearray(file.read(moov.end - moov.inner))
        larger = _with_items(index, items)
        growth = len(larger) + 8 - (moov.end - moov.start)
        _shift_places(larger, Box(b"moov", 0, 0, len(larger)), moov.start, growth)
        with target.open("wb") as written:
            file.seek(0)
            _copy(file, written, moov.start)
            written.write(_box(b"moov", bytes(larger)))
            file.seek(moov.end)
            shutil.copyfileobj(file, written, 1024 * 1024)


def text_item(name: bytes, text: str) -> bytes:
    """A text under a name of four letters, such as that of the program: `\\xa9too`."""
    return _box(name, _text(text))


def named_text_item(name: str, text: str) -> bytes:
    """A text under any name."""
    parts = _box(b"mean", b"\0\0\0\0com.apple.iTunes") + _box(b"name", b"\0\0\0\0" + name.encode())
    return _box(b"----", parts + _text(text))


def uuid_box(identifier: bytes, body: bytes) -> bytes:
    """A box of a kind that its 16 bytes identify."""
    return _box(b"uuid", identifier + body)


def _text(text: str) -> bytes:
    return _box(b"data", b"\0\0\0\1\0\0\0\0" + text.encode())


def _box(name: bytes, body: bytes) -> bytes:
    return (len(body) + 8).to_bytes(4, "big") + name + body


def _boxes_of_file(file: IO[bytes], size: int) -> Iterator[Box]:
    at = 0
    while at + 8 <= size:
        file.seek(at)
        box = _read_box(file.read(16), at, size)
        yield box
        at = box.end
    if at != size:
        raise NotWritable("other data is attached to the file")


def _boxes(index: bytes | bytearray, start: int, end: int) -> Iterator[Box]:
    at = start
    while at + 8 <= end:
        box = _read_box(bytes(index[at : at + 16]), at, end)
        yield box
        at = box.end


def _read_box(head: bytes, at: int, limit: int) -> Box:
    length, inner = int.from_bytes(head[:4], "big"), at + 8
    if length == 1:
        length, inner = int.from_bytes(head[8:16], "big"), at + 16
    elif length == 0:
        length = limit - at
    if at + length < inner or at + length > limit:
        raise NotWritable("a part of the file has a wrong length")
    return Box(head[4:8], at, inner, at + length)


def _with_items(index: bytearray, items: Sequence[bytes]) -> bytearray:
    """The contents of the index with these items in its list, which is added if it lacks."""
    udta = _child(index, Box(b"moov", 0, 0, len(index)), b"udta")
    if udta is None:
        return index + _box(b"udta", _new_meta(items))
    kept = bytes(index[udta.inner : udta.end])
    # Some writers end the list with four zero bytes.
    kept = kept.removesuffix(b"\0\0\0\0") if len(kept) == 4 else kept
    meta = next((box for box in _boxes(kept, 0, len(kept)) if box.name == b"meta"), None)
    ilst = meta and _list_of(kept, meta)
    if meta is None or ilst is None:
        body = kept + (_new_meta(items) if meta is None else b"")
        if meta is not None:
            raise NotWritable("the texts of the file have another form")
    else:
        own = _box(b"ilst", kept[ilst.inner : ilst.end] + b"".join(items))
        inside = kept[meta.inner : ilst.start] + own + kept[ilst.end : meta.end]
        body = kept[: meta.start] + _box(b"meta", inside) + kept[meta.end :]
    return index[: udta.start] + _box(b"udta", body) + index[udta.end :]


def _list_of(udta: bytes, meta: Box) -> Box | None:
    """The list of items of a `meta` box that has one, after the four bytes of its version."""
    found = {box.name: box for box in _boxes(udta, meta.inner + 4, meta.end)}
    handler = found.get(b"hdlr")
    is_known = handler and udta[handler.inner + 8 : handler.inner + 12] == b"mdir"
    return found.get(b"ilst") if is_known else None


def _new_meta(items: Sequence[bytes]) -> bytes:
    handler = _box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    return _box(b"meta", bytes(4) + handler + _box(b"ilst", b"".join(items)))


def _child(index: bytearray, parent: Box, name: bytes) -> Box | None:
    return next((b for b in _boxes(index, parent.inner, parent.end) if b.name == name), None)


def _shift_places(index: bytearray, parent: Box, after: int, growth: int) -> None:
    """Move the places of frames that stand behind the index by what the index has grown."""
    for box in _boxes(index, parent.inner, parent.end):
        if box.name in CONTAINERS:
            _shift_places(index, box, after, growth)
        elif box.name in PLACES:
            width = PLACES[box.name]
            count = int.from_bytes(index[box.inner + 4 : box.inner + 8], "big")
            first = box.inner + 8
            if first + count * width > box.end:
                raise NotWritable("the table of places is incomplete")
            for at in range(first, first + count * width, width):
                place = int.from_bytes(index[at : at + width], "big")
                if place > after:
                    if place + growth >= 1 << 8 * width:
                        raise NotWritable("the file is too large for its table of places")
                    index[at : at + width] = (place + growth).to_bytes(width, "big")


def _copy(source: IO[bytes], target: IO[bytes], count: int) -> None:
    while count > 0 and (chunk := source.read(min(count, 1024 * 1024))):
        target.write(chunk)
        count -= len(chunk)
