"""The interface of a scene, and the parameters it is built from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from videos.sandbox.scenery.drawing.canvas import Canvas

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """A frame size in pixels, a length in seconds and a seed for everything random."""

    width: int
    height: int
    seconds: int
    seed: int
    words: frozenset[str] = frozenset()

    def mentions(self, words: str) -> bool:
        """Tell whether the prompt contains one of these words, separated by spaces."""
        return not self.words.isdisjoint(words.split())

    def choose(self, choices: Sequence[T]) -> T:
        """Return one of the choices, always the same for a seed."""
        return choices[self.seed // 7 % len(choices)]

    @property
    def unit(self) -> int:
        """The shorter side in pixels: the unit of lengths that look alike in both orientations."""
        return min(self.width, self.height)

    def share(self, at: float) -> float:
        """Return the share of the clip that is over after `at` seconds."""
        return at / self.seconds

    def pan(self, at: float, across: float) -> float:
        """Return how far the camera has panned, in pixels; `across` units in the whole clip."""
        return self.share(at) * across * self.unit


class Scene(Protocol):
    """Draws the frame at any time of a clip; `ambience` names its sound (soundtrack.AMBIENCES)."""

    ambience: str

    def paint(self, canvas: Canvas, at: float) -> None: ...
