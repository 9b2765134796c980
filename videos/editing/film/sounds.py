"""The sound of a film: that of its clips, an added track, or both; 48 kHz stereo."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import Any

import av

from videos.editing.film import sources
from videos.editing.film.graphs import LAYOUT, filtered_sound, number, sound_chain
from videos.editing.film.plan import SOUND_RATE, Clip, Film, Refused

BLOCK = 1024
# A hole in the sound of a source that is longer is filled with silence.
HOLE = SOUND_RATE // 20
# Decoders need some sound before the first that is right.
EARLIER_SECONDS = 0.2


@dataclass(frozen=True)
class Track:
    """A sound file that is added; times in seconds, `offset` is where it begins in the film."""

    path: str
    kind: str
    mode: str
    offset: float
    volume: float
    own_volume: float
    fade_in: float
    fade_out: float
    repeat: bool
    seconds: float


def measure(asked: dict[str, Any]) -> Track:
    """Measure an added sound file. Raises Refused."""
    with sources.open_file(asked["path"], asked["kind"]) as container:
        stream = sources.sound_track(container)
        if stream is None:
            raise Refused("sound_unreadable", "no audio track")
        try:
            begins, ends = sources.span(container, stream)
        except Refused as error:
            raise Refused("sound_unreadable", str(error)) from error
    return Track(**asked, seconds=ends - begins)


def has_sound(film: Film, track: Track | None, *, mute: bool) -> bool:
    """Whether the film has sound at all."""
    return track is not None or (not mute and any(clip.source.has_sound for clip in film.clips))


def sound_of(film: Film, track: Track | None, *, mute: bool) -> Iterator[Any]:
    """Yield exactly `film.samples` samples, in pieces of at most BLOCK."""
    if track is None:
        return _exactly(_own(film), film.samples)
    added = _exactly(_added(track, film.samples), film.samples)
    if track.mode == "replace" or mute or not any(c.source.has_sound for c in film.clips):
        return added
    own = _exactly(_own(film), film.samples)
    return _exactly(_mixed(own, added, track.own_volume), film.samples)


def _own(film: Film) -> Iterator[Any]:
    for _ in range(film.loops):
        sound = _joined(film)
        if film.speed != 1:
            sound = filtered_sound(sound, _tempo(film.speed))
        yield from _exactly(sound, film.samples_of(film.round_frames))


def _tempo(speed: Fraction) -> str:
    """Filters that change the speed and keep the pitch; each can make it at most half as fast."""
    steps, left = [], float(speed)
    while left < 0.5:
        steps.append("atempo=0.5")
        left /= 0.5
    return ",".join([*steps, f"atempo={left:.6f}"])


def _joined(film: Film) -> Iterator[Any]:
    """The sound of all clips; where two meet, it fades from one to the other."""
    fade = film.samples_of(film.fade)
    held = _fifo()
    for place, clip in enumerate(film.clips):
        pieces = _exactly(_sound_of_clip(clip), film.samples_of(clip.frames))
        if place and fade:
            coming = _fifo()
            while coming.samples < fade:
                _write(coming, next(pieces))
            yield from _cross_faded(held.read(), coming.read(fade))
            held = _fifo()
            if coming.samples:
                pieces = chain([coming.read()], pieces)
        for piece in pieces:
            _write(held, piece)
            if held.samples > fade or place == len(film.clips) - 1:
                rest = held.samples - (0 if place == len(film.clips) - 1 else fade)
                yield held.read(rest)


def _cross_faded(leaving: Any, coming: Any) -> Iterator[Any]:
    faded = sound_chain(f"acrossfade=nb_samples={coming.samples}:curve1=qsin:curve2=qsin", 2)
    for place, piece in enumerate((leaving, coming)):
        number(piece, 0)
        faded.push(piece, place)
        faded.push(None, place)
    yield from _exactly(faded.pull(), coming.samples)


def _sound_of_clip(clip: Clip) -> Iterator[Any]:
    """The sound from the clip's start on; silence where it has none yet."""
    if not clip.source.has_sound:
        return
    path, begins = clip.source.path, clip.source.begins + clip.start
    yield from _decoded(path, sources.FILMS, begins, "source_unreadable")


def _decoded(path: str, kind: str, begins: float, fault: str) -> Iterator[Any]:
    """The sound of a file from a moment on, without holes."""
    resampler = av.AudioResampler("fltp", LAYOUT, SOUND_RATE)
    have = 0
    try:
        with sources.open_file(path, kind) as container:
            stream: Any = sources.sound_track(container)
            if begins > EARLIER_SECONDS:
                container.seek(int((begins - EARLIER_SECONDS) / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                at = 0 if frame.time is None else round((frame.time - begins) * SOUND_RATE)
                for piece in resampler.resample(frame):
                    for placed in _placed(piece, at, have):
                        have += placed.samples
                        yield placed
                    at += piece.samples
    except (av.FFmpegError, ValueError) as error:
        if getattr(error, "errno", 0) in sources.OUR_FAULTS:
            raise
        raise Refused(fault, str(error)) from error


def _placed(piece: Any, at: int, have: int) -> Iterator[Any]:
    """A piece that belongs at sample `at`, after silence or without what is before the start."""
    if at - have > HOLE or (have == 0 and at > 0):
        yield from _silence(at - have)
    if have == 0 and at < 0:
        if at + piece.samples <= 0:
            return
        kept = _fifo()
        _write(kept, piece)
        kept.read(-at)
        piece = kept.read()
    yield piece


def _added(track: Track, samples: int) -> Iterator[Any]:
    """The added track as long as it plays in a film of so many samples."""
    offset = round(track.offset * SOUND_RATE)
    room = samples - max(offset, 0)
    has = round(track.seconds * SOUND_RATE) + min(offset, 0)
    plays = room if track.repeat else min(room, has)
    yield from _silence(min(max(offset, 0), samples))
    if plays <= 0:
        return
    steps = [f"volume={track.volume:.4f}"]
    if fade := min(round(track.fade_in * SOUND_RATE), plays):
        steps.append(f"afade=type=in:start_sample=0:nb_samples={fade}")
    if fade := min(round(track.fade_out * SOUND_RATE), plays):
        steps.append(f"afade=type=out:start_sample={plays - fade}:nb_samples={fade}")
    yield from filtered_sound(_exactly(_rounds(track, -min(offset, 0)), plays), ",".join(steps))


def _rounds(track: Track, skipped: int) -> Iterator[Any]:
    """The track from a sample on; again from its beginning if it is repeated."""
    begins = skipped / SOUND_RATE
    while True:
        found = 0
        for piece in _decoded(track.path, track.kind, begins, "sound_unreadable"):
            found += piece.samples
            yield piece
        if not found and not begins:
            raise Refused("sound_unreadable", "no sound could be decoded")
        if not track.repeat:
            return
        begins = 0.0


def _mixed(own: Iterator[Any], added: Iterator[Any], own_volume: float) -> Iterator[Any]:
    quieter = filtered_sound(own, f"volume={own_volume:.4f}")
    both = sound_chain("amix=inputs=2:duration=first:normalize=0", 2)
    at = [0, 0]
    for pieces in zip(_blocks(quieter), _blocks(added), strict=False):
        for place, piece in enumerate(pieces):
            at[place] = number(piece, at[place])
            both.push(piece, place)
        yield from both.pull()
    for place in (0, 1):
        both.push(None, place)
    yield from both.pull()


def _exactly(pieces: Iterable[Any], samples: int) -> Iterator[Any]:
    """Yield exactly so many samples, in pieces of BLOCK: cut, or with silence at the end."""
    left = samples
    for block in _blocks(pieces):
        if left <= 0:
            return
        if block.samples > left:
            kept = _fifo()
            _write(kept, block)
            block = kept.read(left)  # noqa: PLW2901
        left -= block.samples
        yield block
    yield from _silence(left)


def _blocks(pieces: Iterable[Any]) -> Iterator[Any]:
    held = _fifo()
    for piece in pieces:
        _write(held, piece)
        while held.samples >= BLOCK:
            yield held.read(BLOCK)
    if held.samples:
        yield held.read()


def _silence(samples: int) -> Iterator[Any]:
    while samples > 0:
        count = min(samples, BLOCK)
        piece: Any = av.AudioFrame(format="fltp", layout=LAYOUT, samples=count)
        for plane in piece.planes:
            plane.update(bytes(plane.buffer_size))
        number(piece, 0)
        yield piece
        samples -= count


def _fifo() -> Any:
    return av.AudioFifo()


def _write(fifo: Any, piece: Any) -> None:
    piece.pts = None  # pieces of several files follow each other
    fifo.write(piece)
