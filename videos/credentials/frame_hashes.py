"""What frames of a film look like, as numbers that stay nearly the same when it is re-encoded.

A frame becomes grey, 32 pixels wide and high; each of the 64 lowest frequencies of its cosine
transform is one bit, set where it is above their median. Frames without contrast have no number:
they look like those of any other film. Imports nothing of ours.
"""

from collections.abc import Iterator, Sequence
from math import cos, pi
from operator import mul
from statistics import median
from typing import Any

# Where the frames stand, as shares of the film's length.
MOMENTS = (0.1, 0.3, 0.5, 0.7, 0.9)
SIDE, KEPT = 32, 8
# A frame whose grey values differ less has nothing to recognise.
LEAST_CONTRAST = 4.0
# The cosine waves of the lowest frequencies. The constant one is left out: it says how bright a
# frame is, which copies change.
WAVES = [
    [cos(pi / SIDE * (step + 0.5) * frequency) for step in range(SIDE)]
    for frequency in range(1, KEPT + 1)
]
# At most so many bits differ, on average, between two copies of the same frame. Those of two
# different films differ by 32 on average, and by less than 18 in hardly any frame.
MOST_DIFFERENT = 10
FEWEST_FRAMES = 3


def hashes_of(path: str) -> list[int | None]:
    """The number of the frame at each of MOMENTS; None for one without contrast.

    Raises av.FFmpegError or IndexError for a film that cannot be read.
    """
    import av  # noqa: PLC0415 - 17 MB, which a process without videos never needs

    options = {"protocol_whitelist": "file", "enable_drefs": "0", "use_absolute_path": "0"}
    with av.open(path, options=options, metadata_errors="replace") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        keys, start, end = _index(container, stream)
        moments = [start + moment * (end - start) for moment in MOMENTS]
        return [_hash_of(frame) for frame in _frames_at(container, stream, moments, keys)]


def is_same_film(ours: Sequence[int | None], theirs: Sequence[int | None]) -> bool:
    """Whether two films look the same at all moments at which both have a number."""
    pairs = [(a, b) for a, b in zip(ours, theirs, strict=True) if a is not None and b is not None]
    different = sum((a ^ b).bit_count() for a, b in pairs)
    return len(pairs) >= FEWEST_FRAMES and different <= MOST_DIFFERENT * len(pairs)


def _index(container: Any, stream: Any) -> tuple[list[int], int, int]:
    """Where decoding can begin, where the film starts and where it ends, in units of the track."""
    keys, start, end = [], None, 0
    for packet in container.demux(stream):
        if packet.pts is None or packet.is_discard:
            continue
        start = packet.pts if start is None else min(start, packet.pts)
        end = max(end, packet.pts + (packet.duration or 0))
        if packet.is_keyframe:
            keys.append(packet.pts)
    return keys, start or 0, end


def _frames_at(
    container: Any, stream: Any, moments: Sequence[float], keys: Sequence[int]
) -> Iterator[Any]:
    """The frame shown at each moment; what stands between is skipped where the film allows it."""
    container.seek(0, stream=stream)
    frames, at, last = container.decode(stream), -1, None
    for moment in moments:
        key = max((key for key in keys if key <= moment), default=-1)
        if key > at:
            container.seek(key, stream=stream)
            frames = container.decode(stream)
        for frame in frames:
            last, at = frame, frame.pts or 0
            if at + (frame.duration or 0) > moment:
                break
        if last is None:
            raise IndexError(moment)
        yield last


def _sum_of_products(a: Sequence[float], b: Sequence[float]) -> float:
    """The sum of the products; Python has it from 3.12 on."""
    return float(sum(map(mul, a, b)))


def _hash_of(frame: Any) -> int | None:
    small = frame.reformat(SIDE, SIDE, "gray", interpolation="AREA")
    line, body = small.planes[0].line_size, bytes(small.planes[0])
    grey = [body[row * line : row * line + SIDE] for row in range(SIDE)]
    values = [value for row in grey for value in row]
    mean = sum(values) / len(values)
    if sum((value - mean) ** 2 for value in values) < LEAST_CONTRAST**2 * len(values):
        return None
    across = [[_sum_of_products(wave, row) for wave in WAVES] for row in grey]
    low = [
        _sum_of_products(wave, [row[column] for row in across])
        for wave in WAVES
        for column in range(len(WAVES))
    ]
    middle = median(low)
    return sum((value > middle) << place for place, value in enumerate(reversed(low)))
