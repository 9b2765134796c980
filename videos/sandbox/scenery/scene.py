"""What every scene is built from, and what it offers."""

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
        """Tell whether the prompt has one of these words, separated by spaces."""
        return not self.words.isdisjoint(words.split())

    def choose(self, choices: Sequence[T]) -> T:
        return choices[self.seed // 7 % len(choices)]

    @property
    def unit(self) -> int:
        """The shorter side: lengths that must look alike in portrait and landscape."""
        return min(self.width, self.height)

    def share(self, at: float) -> float:
        return at / self.seconds

    def pan(self, at: float, across: float) -> float:
        """Return how far the camera has moved, of `across` units in the whole clip."""
        return self.share(at) * across * self.unit


class Scene(Protocol):
    """A place that can be drawn at any moment; `sound` names what is heard there."""

    sound: str

    def paint(self, canvas: Canvas, at: float) -> None: ...
