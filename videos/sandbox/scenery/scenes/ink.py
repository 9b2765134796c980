"""Ink that flows in water: colours folded into each other, for whatever has no place."""

import numpy as np

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import FROM_RGB, Canvas, Field, rgb, upsample
from videos.sandbox.scenery.scene import SceneSpec

# From the deepest colour to the lightest.
INKS = [
    ["#0b1030", "#2a2f8a", "#c0408a", "#ff9a6a", "#fff0d0"],
    ["#06201f", "#0f6a6a", "#58b89a", "#f2cf7a", "#fff6e0"],
    ["#1a0a22", "#6a1f5a", "#e0485a", "#ffb45a", "#ffe9c0"],
    ["#0a1420", "#1f4a7a", "#5aa0c8", "#cfe0e8", "#ffffff"],
]
SCALE = 4
SIDE = 512  # of the texture, which repeats


class Ink:
    ambience = "room"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        self._texture = _repeating(
            noise.noise_2d(SIDE * 2, SIDE * 2, spec.seed, (210, 210), 4, 0.5)
        )
        inks = spec.choose(INKS)
        dark = {"night": 0.62, "day": 1.0}.get(spec.mood.time, 0.85)
        shades = np.stack([FROM_RGB @ (rgb(ink) * dark) * 255 for ink in inks])
        levels = np.linspace(0, 1, 256)
        stops = np.linspace(0, 1, len(inks))
        self._table = [np.interp(levels, stops, shades[:, c]).astype(np.float32) for c in range(3)]
        rows, columns = spec.height // SCALE, spec.width // SCALE
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) / (spec.unit / SCALE)
        self._x, self._y = x * 170 + spec.seed % SIDE, y * 170

    def paint(self, canvas: Canvas, at: float) -> None:
        fold = self._sample(self._x + at * 5, self._y + 40)
        turn = self._sample(self._x + 90 * fold + 17, self._y - at * 6 + 60 * fold)
        flow = self._sample(self._x + 80 * turn + at * 3, self._y + 110 * fold)
        level = np.clip((0.5 + 0.42 * flow + 0.16 * turn) * 255, 0, 255).astype(np.intp)
        y, u, v = (table[level] for table in self._table)
        canvas.y[:] = upsample(upsample(y))
        canvas.u[:] = upsample(u)
        canvas.v[:] = upsample(v)

    def _sample(self, x: Field, y: Field) -> Field:
        """Return the texture between its points, so that slow flow does not jerk."""
        left, top = np.floor(x), np.floor(y)
        dx, dy = x - left, y - top
        column, row = left.astype(np.intp) & SIDE - 1, top.astype(np.intp) & SIDE - 1
        right, below = column + 1 & SIDE - 1, row + 1 & SIDE - 1
        t = self._texture
        above = t[row, column] * (1 - dx) + t[row, right] * dx
        under = t[below, column] * (1 - dx) + t[below, right] * dx
        between: Field = above * (1 - dy) + under * dy
        return between


def _repeating(field: Field) -> Field:
    """Return a quarter of a field, faded into the other quarters so that it repeats."""
    share = np.linspace(0, 1, SIDE, dtype=np.float32)
    share = share * share * (3 - 2 * share)
    across = field[:, :SIDE] * share + field[:, SIDE:] * (1 - share)
    whole: Field = across[:SIDE] * share[:, None] + across[SIDE:] * (1 - share[:, None])
    return whole * np.float32(1.3)
