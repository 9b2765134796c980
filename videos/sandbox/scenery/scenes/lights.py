"""Lights out of focus, and paper lanterns that rise between them: for people, rooms and parties."""

import numpy as np
from PIL import ImageDraw

from videos.sandbox.scenery.drawing.canvas import (
    Canvas,
    Colour,
    Field,
    downsample,
    solid,
    vertical_gradient,
)
from videos.sandbox.scenery.drawing.layers import fill
from videos.sandbox.scenery.drawing.lights import RadialGlow, add_light
from videos.sandbox.scenery.drawing.sprites import Sprite, draw_mask
from videos.sandbox.scenery.scene import SceneSpec

# Per room: the dark behind from top to bottom, the colours of the lights.
ROOMS = [
    ([(0, "#1c0f16"), (0.6, "#3d1d1c"), (1, "#1a0d12")], ["#ffb45a", "#ff7f4a", "#ffd894"]),
    ([(0, "#0b1226"), (0.6, "#1e2450"), (1, "#0a0f22")], ["#6fa8ff", "#c48aff", "#ffd27a"]),
    ([(0, "#0c1a1a"), (0.6, "#173c38"), (1, "#0a1616")], ["#7fe0b8", "#ffe08a", "#5fb8c8"]),
]
BRIGHT = ([(0, "#d9c7b4"), (0.6, "#f2e2cc"), (1, "#b9a48f")], ["#fff2d8", "#ffd9a8", "#ffffff"])
COUNT, LANTERNS = 34, 7


class Lights:
    ambience = "room"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        width, height, unit = spec.width, spec.height, spec.unit
        dark, colours = BRIGHT if spec.mood.time == "day" else spec.choose(ROOMS)
        self._dark = vertical_gradient(dark, height)
        strength = 0.16 if spec.mood.time == "day" else 0.34
        self._colours = [solid(colour, strength) for colour in colours]
        self._halo = RadialGlow(width, height, unit * 0.5, core=0)
        random = np.random.default_rng(spec.seed)
        self._places = [random.uniform(0, 1, COUNT).astype(np.float32) for _ in range(4)]
        self._discs = [_disc(unit * size) for size in (0.035, 0.06, 0.095, 0.14)]
        self._lanterns = [random.uniform(0, 1, LANTERNS).astype(np.float32) for _ in range(3)]
        self._paper = [_lantern(int(unit * size)) for size in (0.07, 0.11, 0.16)]
        self._glow = RadialGlow(width, height, unit * 0.10, core=0.2)
        self._has_lanterns = spec.mentions("lantern lanterns festival wish wishes 灯 灯笼")

    def paint(self, canvas: Canvas, at: float) -> None:
        fill(canvas, self._dark)
        x = canvas.width * (0.5 + 0.08 * np.sin(at * 0.3))
        add_light(canvas, 0, self._halo.at(float(x), canvas.height * 0.62), self._colours[0])
        self._paint_discs(canvas, at)
        if self._has_lanterns:
            self._paint_lanterns(canvas, at)

    def _paint_discs(self, canvas: Canvas, at: float) -> None:
        across, down, near, phase = self._places
        for n in range(COUNT):
            disc = self._discs[n % len(self._discs)]
            drift = 0.014 * at * (0.4 + near[n])
            x = ((across[n] + drift) % 1.2 - 0.1) * canvas.width
            y = (down[n] + 0.02 * np.sin(at * 0.5 + phase[n] * 6.3)) * canvas.height
            pulse = 0.72 + 0.28 * np.sin(at * (0.5 + near[n]) + phase[n] * 6.3)
            _add_disc(canvas, disc, float(x), float(y), self._colours[n % 3], float(pulse))

    def _paint_lanterns(self, canvas: Canvas, at: float) -> None:
        across, down, pace = self._lanterns
        for n in range(LANTERNS):
            shape = self._paper[n % 3]
            x = (0.06 + 0.82 * across[n] + 0.012 * np.sin(at * 0.8 + n)) * canvas.width
            y = ((down[n] - at * 0.028 * (0.5 + pace[n])) % 1.2 - 0.15) * canvas.height
            size = self.spec.unit * (0.07, 0.11, 0.16)[n % 3]
            shape.paint(canvas, float(x), float(y), solid("#ffb35c"))
            self._paint_glow(canvas, float(x + size / 2), float(y + size * 0.6))

    def _paint_glow(self, canvas: Canvas, x: float, y: float) -> None:
        """Add the light around a lantern, in the rows that it reaches."""
        reach = self.spec.unit * 0.6
        first, last = (min(max(int(row), 0), canvas.height) & ~1 for row in (y - reach, y + reach))
        if first < last:
            add_light(canvas, first, self._glow.at(x, y, first, last), solid("#ff9a3c", 0.42))


def _disc(radius: float) -> tuple[Field, Field]:
    """Return a disc of light with a brighter rim, as a lens draws it."""
    side = int(radius * 2 + 8) // 4 * 4
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) - (side - 1) / 2
    distance = np.hypot(x, y) / radius
    inside = np.clip((1 - distance) * radius / 3 + 0.5, 0, 1)
    field = (inside * (0.62 + 0.38 * distance**6)).astype(np.float32)
    return field, downsample(field)


def _add_disc(
    canvas: Canvas, disc: tuple[Field, Field], x: float, y: float, colour: Colour, light: float
) -> None:
    """Add a disc of light centred on (x, y), clipped to the frame."""
    full, half = disc
    left, top = int(x - full.shape[1] / 2) & ~1, int(y - full.shape[0] / 2) & ~1
    for plane, part, value, scale in (
        (canvas.y, full, colour.y, 1),
        (canvas.u, half, colour.u, 2),
        (canvas.v, half, colour.v, 2),
    ):
        row, column, rows, columns = top // scale, left // scale, *part.shape
        first, start = max(-row, 0), max(-column, 0)
        last, stop = min(rows, plane.shape[0] - row), min(columns, plane.shape[1] - column)
        if first < last and start < stop:
            shine = part[first:last, start:stop] * (value * np.float32(light))
            plane[row + first : row + last, column + start : column + stop] += shine


def _lantern(size: int) -> Sprite:
    def draw(brush: ImageDraw.ImageDraw) -> None:
        s = size * 2
        brush.polygon(
            [
                *((0.24 * s, 0.14 * s), (0.36 * s, 0.04 * s), (0.64 * s, 0.04 * s)),
                *((0.76 * s, 0.14 * s), (0.68 * s, 0.92 * s), (0.32 * s, 0.92 * s)),
            ],
            230,
        )
        brush.rectangle([0.36 * s, 0.84 * s, 0.64 * s, 0.92 * s], 255)

    return Sprite(draw_mask(size, size, draw))
