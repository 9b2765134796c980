"""Write a film: H.264 and AAC in an MP4 whose index comes first."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av

from videos.editing.film.plan import SOUND_RATE, Film

ENCODER = {"preset": "veryfast", "crf": "18"}
THREADS = 2
SOUND_BITS = 160_000
BT709, VIDEO_RANGE = 1, 1


def write(
    target: str,
    film: Film,
    pictures: Iterator[Any],
    sound: Iterator[Any] | None,
    tell: Callable[[float], None],
) -> None:
    """Write pictures and sound to an MP4; `tell` hears how much is done, from 0 to 1."""
    options = {"movflags": "+faststart"}
    with av.open(target, "w", format="mp4", options=options) as made:
        video = _video_track(made, film)
        audio: Any = None
        if sound is not None:
            audio = made.add_stream("aac", rate=SOUND_RATE, layout="stereo", bit_rate=SOUND_BITS)
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


def _video_track(made: Any, film: Film) -> Any:
    track = made.add_stream("libx264", rate=film.rate, options=ENCODER)
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
