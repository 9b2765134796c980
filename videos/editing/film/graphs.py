"""Chains of FFmpeg's filters through which frames are sent."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import av
from av.filter import Graph

from videos.editing.film.plan import SOUND_RATE

LAYOUT = "stereo"


class Chain:
    """Filters with one or more inputs and one output."""

    def __init__(self, inputs: list[str], filters: str, sink: str) -> None:
        """`inputs` are the arguments of buffers, `filters` is written as name=arguments,…"""
        self._graph = Graph()
        kind = "abuffer" if sink == "abuffersink" else "buffer"
        self._inputs = [self._graph.add(kind, arguments) for arguments in inputs]
        names = filters.split(",")
        first = self._add(names[0])
        for place, source in enumerate(self._inputs):
            source.link_to(first, 0, place)
        last = first
        for name in names[1:]:
            following = self._add(name)
            last.link_to(following)
            last = following
        self._sink = self._graph.add(sink)
        last.link_to(self._sink)
        self._graph.configure()

    def _add(self, text: str) -> Any:
        name, _, arguments = text.partition("=")
        return self._graph.add(name, arguments or None)

    def push(self, frame: Any, place: int = 0) -> None:
        """Send a frame to an input; None ends it."""
        self._inputs[place].push(frame)

    def pull(self) -> Iterator[Any]:
        """Yield what has come out so far."""
        while True:
            try:
                yield self._sink.pull()
            except (av.BlockingIOError, av.EOFError):
                return

    def send(self, frame: Any) -> Iterator[Any]:
        """Send a frame through a chain with one input."""
        self.push(frame)
        yield from self.pull()


def picture_input(width: int, height: int, pixels: str, rate: Fraction, aspect: Fraction) -> str:
    return (
        f"video_size={width}x{height}:pix_fmt={pixels}:time_base={rate.denominator}/{rate.numerator}"
        f":frame_rate={rate.numerator}/{rate.denominator}"
        f":pixel_aspect={aspect.numerator}/{aspect.denominator}"
    )


SOUND_INPUT = (
    f"sample_rate={SOUND_RATE}:sample_fmt=fltp:channel_layout={LAYOUT}:time_base=1/{SOUND_RATE}"
)


def sound_chain(filters: str, inputs: int = 1) -> Chain:
    """Filters for sound of the one form that films have here."""
    form = f"aformat=sample_fmts=fltp:sample_rates={SOUND_RATE}:channel_layouts={LAYOUT}"
    return Chain([SOUND_INPUT] * inputs, f"{filters},{form}", "abuffersink")


def filtered_sound(sound: Iterable[Any], filters: str) -> Iterator[Any]:
    """Send sound through filters; its times are set anew."""
    chain, at = sound_chain(filters), 0
    for piece in sound:
        at = number(piece, at)
        yield from chain.send(piece)
    chain.push(None)
    yield from chain.pull()


def number(piece: Any, at: int) -> int:
    """Say that a piece of sound begins at this sample, and return where it ends."""
    piece.pts, piece.time_base, piece.sample_rate = at, Fraction(1, SOUND_RATE), SOUND_RATE
    return at + int(piece.samples)
