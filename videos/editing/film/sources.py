"""Open files that may be hostile, and measure them without decoding."""

import errno
from fractions import Fraction
from typing import Any

import av

from videos.editing.film.plan import USUAL_RATE, Refused, Source

OPTIONS = {"protocol_whitelist": "file", "enable_drefs": "0", "use_absolute_path": "0"}
# The demuxer of our own films: MP4.
FILMS = "mov"
THREADS = 2
MAX_SIDE = 8192
COVER = 1024  # av.stream.Disposition.attached_pic
# Errors of this machine, which say nothing about a file.
OUR_FAULTS = {errno.ENOMEM, errno.ENOSPC, errno.EFBIG}
UNKNOWN_COLOURS = 2  # AVCOL_SPC_UNSPECIFIED


def open_file(path: str, kind: str = FILMS) -> Any:
    """Open a file of this kind for reading; a name or a first byte decides nothing. Raises Refused.

    FFmpeg would guess the kind, and some kinds are lists of other files.
    """
    try:
        return av.open(path, format=kind, options=OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, ValueError) as error:
        raise Refused("source_unreadable", str(error)) from error


def picture_track(container: Any) -> Any:
    """The first video track that is no cover. Raises Refused."""
    found = [each for each in container.streams.video if not each.disposition & COVER]
    if not found:
        raise Refused("no_picture")
    return _decoded(found[0])


def sound_track(container: Any) -> Any | None:
    """The first audio track that can be decoded, if there is one."""
    for each in container.streams.audio:
        codec = each.codec_context
        if codec is not None and codec.codec.is_decoder and codec.sample_rate and codec.channels:
            return _decoded(each)
    return None


def _decoded(stream: Any) -> Any:
    codec = stream.codec_context
    if codec is None or not codec.codec.is_decoder:
        raise Refused("source_unreadable", f"the {stream.type} track has an unknown codec")
    codec.thread_count = THREADS
    return stream


def measure(path: str, most_pixels: int) -> Source:
    """Measure a film. Raises Refused."""
    with open_file(path) as container:
        stream = picture_track(container)
        codec = stream.codec_context
        width, height = codec.width, codec.height
        if not (1 < width <= MAX_SIDE and 1 < height <= MAX_SIDE):
            raise Refused("source_unreadable", f"frames of {width}x{height} pixels")
        if width * height > most_pixels:
            raise Refused("too_large", f"{width}x{height}")
        begins, ends = span(container, stream)
        has_sound = sound_track(container) is not None
        rate = Fraction(stream.average_rate or stream.guessed_rate or USUAL_RATE)
        aspect = Fraction(stream.sample_aspect_ratio or 1)
        if not Fraction(1, 8) <= aspect <= 8:
            aspect = Fraction(1)
    if aspect != 1:
        width = round(width * aspect)
    if is_sideways(path):
        width, height = height, width
    rate = rate if 1 <= rate <= 1000 else Fraction(USUAL_RATE)
    return Source(path, width, height, rate, begins, ends - begins, has_sound)


def span(container: Any, stream: Any) -> tuple[float, float]:
    """When the first and after the last frame of a track is shown, in seconds. Raises Refused."""
    first, last = None, 0.0
    try:
        for packet in container.demux(stream):
            at = packet.pts if packet.pts is not None else packet.dts
            if not packet.size or at is None or packet.is_discard:
                continue
            begins = float(at * packet.time_base)
            first = begins if first is None else min(first, begins)
            last = max(last, float((at + (packet.duration or 0)) * packet.time_base))
    except (av.FFmpegError, ValueError) as error:
        raise Refused("source_unreadable", str(error)) from error
    if first is None or last <= first:
        raise Refused("source_unreadable", "a track without frames")
    return first, last


def is_sideways(path: str) -> bool:
    """Whether a player turns the frames by a right angle, which only the frames tell."""
    with open_file(path) as container:
        try:
            frame = next(container.decode(picture_track(container)), None)
        except (av.FFmpegError, ValueError) as error:
            raise Refused("source_unreadable", str(error)) from error
    if frame is None:
        raise Refused("source_unreadable", "a track without frames")
    return bool(frame.rotation % 180)
