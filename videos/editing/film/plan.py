"""What a film is made of: its clips, their frames, and how long everything is.

All lengths are decided here, before a frame is decoded, so that pictures and sound agree.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

SOUND_RATE = 48000
MOST_RATE = 60
USUAL_RATE = 24
# How much the sides of a picture that is made smaller may be off, in pixels.
ROUNDED = 3
ASPECTS = {"16:9": Fraction(16, 9), "9:16": Fraction(9, 16), "1:1": Fraction(1)}


class Refused(Exception):
    """The film cannot be made; `code` says why."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        super().__init__(detail or code)


@dataclass(frozen=True)
class Source:
    """A file: its pictures as a player shows them, and where its video track begins, in seconds."""

    path: str
    width: int
    height: int
    rate: Fraction
    begins: float
    seconds: float
    has_sound: bool


@dataclass(frozen=True)
class Clip:
    """The part of a source from `start` on, in seconds, for so many frames of the film."""

    source: Source
    start: float
    frames: int


@dataclass(frozen=True)
class Canvas:
    """How a picture is brought to the film's size: scaled, put in the middle, then cut.

    `box` is the size of the joined film, `cut` is what stays of it or what it is put on.
    """

    box: tuple[int, int]
    fills: bool
    size: tuple[int, int]
    cut_at: tuple[int, int]

    def within(self, width: int, height: int) -> "Canvas":
        """The same picture in at most this size; none is made larger."""
        factor = min(Fraction(width, self.size[0]), Fraction(height, self.size[1]))
        if factor >= 1:
            return self
        box, size, at = [0, 0], [0, 0], [0, 0]
        for n, most in enumerate((width, height)):
            size[n] = _even(self.size[n] * factor)
            if most - size[n] <= ROUNDED:  # the size that was asked for, not nearly it
                size[n] = most
            box[n] = _even(self.box[n] * factor)
            if self.box[n] >= self.size[n]:
                box[n] = max(box[n], size[n])
            at[n] = _scaled_offset(self.cut_at[n] * factor, box[n] - size[n])
        # A pixel that rounding leaves over is cut off, not black.
        return Canvas((box[0], box[1]), True, (size[0], size[1]), (at[0], at[1]))


@dataclass(frozen=True)
class Film:
    """Everything that is needed to write a film."""

    clips: tuple[Clip, ...]
    canvas: Canvas
    rate: Fraction
    fade: int
    speed: Fraction
    loops: int

    @property
    def joined_frames(self) -> int:
        """The frames of the joined clips, before speed and loops."""
        return sum(clip.frames for clip in self.clips) - self.fade * (len(self.clips) - 1)

    @property
    def round_frames(self) -> int:
        """The frames of one round, in the speed of the film."""
        return max(round(self.joined_frames / self.speed), 1)

    @property
    def frames(self) -> int:
        return self.round_frames * self.loops

    def samples_of(self, frames: int) -> int:
        """How many samples of sound last as long as so many frames."""
        return round(frames * SOUND_RATE / self.rate)

    @property
    def samples(self) -> int:
        return self.samples_of(self.frames)


def compose(recipe: dict[str, Any], sources: list[Source], limits: dict[str, Any]) -> Film:
    """Return the film that a recipe makes of these sources. Raises Refused."""
    rate = min(sources[0].rate, Fraction(recipe.get("most_rate", MOST_RATE)))
    clips = tuple(
        _clip(source, part, rate) for source, part in zip(sources, recipe["clips"], strict=True)
    )
    shortest = min(clip.frames for clip in clips)
    fade = round(Fraction(recipe.get("crossfade", 0)) * rate) if len(clips) > 1 else 0
    if fade > shortest // 2:
        raise Refused("crossfade_too_long")
    speed = Fraction(recipe.get("speed", 1)).limit_denominator(1000)
    canvas = _canvas(recipe, sources[0])
    if most := recipe.get("most_size"):
        canvas = canvas.within(*most)
    film = Film(clips, canvas, rate, fade, speed, int(recipe.get("loops", 1)))
    if canvas.size[0] * canvas.size[1] > limits["pixels"]:
        raise Refused("too_large", f"{canvas.size[0]}x{canvas.size[1]}")
    seconds = max(film.frames / rate, film.joined_frames / rate)
    if seconds > limits["seconds"]:
        raise Refused("too_long", f"{float(seconds):.1f} seconds")
    return film


def _clip(source: Source, part: dict[str, Any], rate: Fraction) -> Clip:
    start = float(part.get("start") or 0)
    end = part.get("end")
    until = source.seconds if end is None else min(float(end), source.seconds)
    frames = round((until - start) * rate)
    if frames < 1:
        raise Refused("trim_outside", f"{start:.3f} to {until:.3f} of {source.seconds:.3f} seconds")
    return Clip(source, start, frames)


def _canvas(recipe: dict[str, Any], first: Source) -> Canvas:
    """The size of the film: that of its first clip, brought to another aspect if asked for."""
    box = _box(first, recipe.get("most_lines"))
    fills = recipe.get("fit", "bars") == "crop"
    reframe = recipe.get("reframe")
    if not reframe:
        return Canvas(box, fills, box, (0, 0))
    aspect = ASPECTS[reframe["aspect"]]
    width, height = box
    is_cut = reframe.get("fit", "crop") == "crop"
    # Cut what is too wide; with bars, make what is too narrow wider.
    if (Fraction(width, height) > aspect) == is_cut:
        size = (_even(height * aspect), height)
    else:
        size = (width, _even(width / aspect))
    place = float(reframe.get("position", 0.5)) if is_cut else 0.5
    at = (_offset(width - size[0], place), _offset(height - size[1], place))
    return Canvas(box, fills, size, at)


def _box(first: Source, most_lines: int | None) -> tuple[int, int]:
    """The size of the first clip, made smaller where the film may have only so many lines."""
    if most_lines is None or first.height <= most_lines:
        return (_even(first.width), _even(first.height))
    return (_even(Fraction(first.width * most_lines, first.height)), most_lines)


def _even(length: float | Fraction) -> int:
    """The next even number: pictures of H.264 have no others here."""
    return max(2 * round(length / 2), 2)


def _offset(spare: int, place: float) -> int:
    """Where the cut begins; negative for bars."""
    return 2 * round(spare * place / 2)


def _scaled_offset(wanted: Fraction, spare: int) -> int:
    """Where a smaller cut begins: inside of what there is to cut, or to fill with bars."""
    offset = 2 * round(wanted / 2)
    return min(offset, spare) if spare >= 0 else max(offset, spare)
