"""The interface of a scene, and the parameters it is built from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from videos.sandbox.scenery.drawing.canvas import Canvas
from videos.sandbox.scenery.drawing.layers import smoothstep
from videos.sandbox.scenery.mood import Mood

T = TypeVar("T")
USUAL = Mood()
# How high the sun or the moon stands, where 0 is the horizon and 1 the end of a sunrise.
DAY_SUN, MOON = 3.6, 0.95


@dataclass(frozen=True, slots=True)
class SceneSpec:
    """A frame size in pixels, a length in seconds, a seed for everything random, and the mood.

    `words` are those of the first prompt: a remix keeps the scene and its framing.
    """

    width: int
    height: int
    seconds: int
    seed: int
    words: frozenset[str] = frozenset()
    mood: Mood = USUAL

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

    @property
    def is_night(self) -> bool:
        return self.mood.time == "night"

    @property
    def is_snowy(self) -> bool:
        return self.mood.weather == "snow"

    def share(self, at: float) -> float:
        """Return the share of the clip that is over after `at` seconds."""
        return at / self.seconds

    def daylight(self, at: float) -> float:
        """Return how much of the light of day there is, in 0..1: it grows at dawn only."""
        share = self.share(at)
        match self.mood.time:
            case "day":
                return 0.92 + 0.08 * share
            case "dusk":
                return 1 - smoothstep(0.12 + 0.86 * share)
            case "night":
                return 0.03 + 0.05 * share
        return smoothstep(0.06 + 0.94 * share)

    def sun_height(self, at: float) -> float:
        """Return the height of the sun or moon: 0 at the horizon, 1 after a sunrise."""
        match self.mood.time:
            case "day":
                return DAY_SUN
            case "night":
                return MOON + 0.05 * self.share(at)
        return self.daylight(at)

    def sun_glow(self, usual: float) -> float:
        """Return the strength of the glow: by day the sun stands above the frame."""
        return {"day": 0.08, "night": 0.28}.get(self.mood.time, usual)

    def pan(self, at: float, across: float) -> float:
        """Return how far the camera has panned, in pixels; `across` units in the whole clip."""
        return self.share(at) * across * self.unit


class Scene(Protocol):
    """Draws the frame at any time of a clip; `ambience` names its sound (soundtrack.AMBIENCES)."""

    ambience: str

    def paint(self, canvas: Canvas, at: float) -> None: ...
