"""Write a film, by default as H.264 and AAC in an MP4 whose index is first; or its sound."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av

from videos.editing.film.encodings import H264, Encoding
from videos.editing.film.plan import SOUND_RATE, Film

THREADS = 2
BT709, VIDEO_RANGE = 1, 1


def write(
    target: str,
    film: Film,
    pictures: Iterator[Any],
    sound: Iterator[Any] | None,
    tell: Callable[[float], None],
    encoding: Encoding = H264,
) -> None:
    """Write pictures and sound to a file; `tell` hears how much is done, from 0 to 1."""
    options = encoding.container_options
    with av.open(target, "w", format=encoding.container, options=options) as made:
        video = _video_track(made, film, encoding)
        audio = _sound_track(made, encoding) if sound is not None else None
        at = 0
        for n, picture in enumerate(pictures):
            picture.pts, picture.time_base, picture.pict_type = n, 1 / film.rate, 0
            made.mux(video.encode(picture))
            # Pictures and sound of the same moment stand near each other.
            while sound is not None and at < film.samples_of(n + 1):
                piece = next(sound, None)
                if piece is None:
                    break
                at = _encode(made, audio, piece, at)
            tell((n + 1) / film.frames)
        for piece in sound or ():
            at = _encode(made, audio, piece, at)
        made.mux(video.encode(None))
        if audio is not None:
            made.mux(audio.encode(None))


def write_sound(
    target: str,
    film: Film,
    sound: Iterator[Any],
    tell: Callable[[float], None],
    encoding: Encoding,
) -> None:
    """Write the sound of a film to a file of its own."""
    options, at = encoding.container_options, 0
    with av.open(target, "w", format=encoding.container, options=options) as made:
        audio = _sound_track(made, encoding)
        for piece in sound:
            at = _encode(made, audio, piece, at)
            tell(at / film.samples)
        made.mux(audio.encode(None))


def _sound_track(made: Any, encoding: Encoding) -> Any:
    bits = {"bit_rate": encoding.sound_bits} if encoding.sound_bits else {}
    return made.add_stream(encoding.sound, rate=SOUND_RATE, layout="stereo", **bits)


def _video_track(made: Any, film: Film, encoding: Encoding) -> Any:
    options = dict(encoding.picture_options)
    track = made.add_stream(encoding.picture, rate=film.rate, options=options)
    if encoding.tag:
        track.codec_context.codec_tag = encoding.tag
    track.width, track.height = film.canvas.size
    track.pix_fmt = "yuv420p"
    track.time_base = 1 / film.rate
    encoder = track.codec_context
    encoder.thread_count = THREADS
    encoder.color_range = VIDEO_RANGE
    encoder.colorspace = encoder.color_primaries = encoder.color_trc = BT709
    return track


def _encode(made: Any, audio: Any, piece: Any, at: int) -> int:
    piece.pts, piece.time_base = at, Fraction(1, SOUND_RATE)
    made.mux(audio.encode(piece))
    return at + int(piece.samples)
