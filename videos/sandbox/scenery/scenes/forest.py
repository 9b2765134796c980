"""A wood in the morning with shafts of light, or at night with fireflies."""

import numpy as np
from PIL import ImageDraw

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import (
    Canvas,
    Colour,
    Field,
    solid,
    upsample,
    vertical_gradient,
)
from videos.sandbox.scenery.drawing.layers import Silhouette, fill
from videos.sandbox.scenery.drawing.lights import draw_dots
from videos.sandbox.scenery.drawing.sprites import draw_mask
from videos.sandbox.scenery.scene import SceneSpec

# Per mood: the air from top to bottom, the trunks from far to near, the light, the specks.
MOODS = [
    (
        [(0, "#f6efc4"), (0.45, "#b9cf9f"), (1, "#4d6b4b")],
        ["#a9c096", "#7d9c72", "#46683f", "#162b1c"],
        "#fff2b8",
        "#fff7d0",
    ),
    (
        [(0, "#ffd9a0"), (0.45, "#d59b78"), (1, "#5d3b3c")],
        ["#c99a7c", "#96664f", "#5a3634", "#24141a"],
        "#ffd08a",
        "#ffe6b0",
    ),
    (
        [(0, "#d9eef0"), (0.45, "#8fb9b6"), (1, "#2f5355")],
        ["#9fc4c0", "#6a9794", "#365d5d", "#0f2629"],
        "#eafcff",
        "#f2ffff",
    ),
]
FIREFLIES = (
    [(0, "#0c2036"), (0.5, "#123a44"), (1, "#061418")],
    ["#16404a", "#0f2e38", "#0a1f28", "#030a0f"],
    "#9ad8ff",
    "#ffe27a",
)
SCALE = 4


class Forest:
    ambience = "forest"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        width, height, unit = spec.width, spec.height, spec.unit
        self._night = spec.is_night or spec.mentions("firefly fireflies glowing magic magical glow")
        # Green by day, amber in a low sun, pale before it.
        by_time = {"day": MOODS[0], "dusk": MOODS[1], "dawn": MOODS[2]}
        air, trunks, light, speck = FIREFLIES if self._night else by_time[spec.mood.time]
        self.ambience = "crickets" if self._night else "forest"
        self._rows = []
        for depth, tone in enumerate(trunks):
            speed = 0.04 * 1.9**depth
            wide = width + int(speed * unit) + 4
            foot = noise.noise_1d(wide, spec.seed + depth, unit * 0.7, 5) * unit * 0.02
            ground = height * (0.81 + 0.05 * depth) + foot
            trees = _trees(wide, height, spec.seed + 10 + depth, depth, unit)
            shade = vertical_gradient(
                [(0, tone), (0.7, tone), (1, trunks[min(depth + 1, 3)])], height
            )
            self._rows.append((Silhouette(ground.astype(np.float32), height, trees), speed, shade))
        # The farthest trees hardly move: they are drawn once, with the air between them.
        far = Canvas(width, height)
        fill(far, vertical_gradient(air, height))
        self._rows[0][0].paint(far, 0, self._rows[0][2])
        self._far = Colour(far.y, far.u, far.v)
        self._light = solid(light, 0.22 if self._night else 0.62)
        self._angles, self._reach = self._fan(unit)
        self._beams = noise.noise_1d(2048, spec.seed + 30, 190, 5, 0.6)
        random = np.random.default_rng(spec.seed)
        self._dust = [random.uniform(0, 1, 90).astype(np.float32) for _ in range(4)]
        self._speck = solid(speck)

    def _fan(self, unit: int) -> tuple[Field, Field]:
        """Return each place's angle and the strength left there, seen from the light's source."""
        rows, columns = self.spec.height // SCALE, self.spec.width // SCALE
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) * SCALE
        dx, dy = x - self.spec.width * 0.28, y + unit * 0.30
        reach = np.exp(-np.hypot(dx, dy) / (unit * 0.85)) * 1.35
        return np.arctan2(dx, dy).astype(np.float32), reach.astype(np.float32)

    def paint(self, canvas: Canvas, at: float) -> None:
        fill(canvas, self._far)
        for depth, (row, speed, shade) in enumerate(self._rows[1:]):
            row.paint(canvas, self.spec.pan(at, speed), shade)
            if depth == len(self._rows) - 3:
                self._shine(canvas, self._shafts(at))
        self._paint_dust(canvas, at)

    def _shafts(self, at: float) -> Field:
        place = (self._angles * 420 + 1024 + at * 5).astype(np.intp) & 2047
        swell = self._beams[(place + int(at * 9)) & 2047]
        light: Field = np.clip(self._beams[place] * 0.9 + swell * 0.5 + 0.30, 0, 1.3) * self._reach
        return light

    def _shine(self, canvas: Canvas, light: Field) -> None:
        canvas.y += upsample(upsample(light * self._light.y))
        half = upsample(light)
        canvas.u += half * self._light.u
        canvas.v += half * self._light.v

    def _paint_dust(self, canvas: Canvas, at: float) -> None:
        x, y, phase, pace = self._dust
        left = (
            np.mod(x + 0.03 * np.sin(at * (0.4 + pace) + phase * 6) + at * 0.008, 1) * canvas.width
        )
        top = (
            np.mod(y - at * 0.012 * (0.5 + pace), 1)
            * canvas.height
            * (0.6 if self._night else 0.95)
        )
        top += canvas.height * (0.35 if self._night else 0.0)
        pulse = np.clip(np.sin(at * (1.0 + 1.5 * pace) + phase * 6.3), 0, 1)
        light = pulse * (1.0 if self._night else 0.40 * pace)
        radius = (0.9 + (2.6 if self._night else 1.6) * pace) * self.spec.unit / 720
        draw_dots(canvas, left, top, radius.astype(np.float32), light, self._speck)


def _trees(width: int, height: int, seed: int, depth: int, unit: int) -> Field:
    random = np.random.default_rng(seed)

    def draw(brush: ImageDraw.ImageDraw) -> None:
        for _ in range(int(width / unit * [34, 22, 11, 4][depth])):
            x = random.uniform(0, width) * 2
            thick = unit * random.uniform(0.006, 0.012) * (1 + depth * 1.35) * 2
            if depth == 3 and abs(x / width - 1) < 0.55:
                continue
            lean = random.uniform(-0.03, 0.03) * height
            foot = height * 1.9
            brush.polygon(
                [
                    (x + lean - thick * 0.30, 0),
                    (x + lean + thick * 0.30, 0),
                    (x + thick * 0.62, foot),
                    (x - thick * 0.62, foot),
                ],
                255,
            )
            for _ in range(6 + 3 * depth):
                y = random.uniform(0, 1.2) * height
                side = random.choice([-1, 1])
                long = unit * random.uniform(0.05, 0.16) * (1 + 0.35 * depth) * side
                brush.line(
                    [
                        (x + lean * (1 - y / foot), y),
                        (x + long, y - abs(long) * random.uniform(0.1, 0.5)),
                    ],
                    255,
                    max(int(thick * 0.16), 1),
                )
            if depth < 3:
                _leaves(brush, random, x, height, unit * (0.5 + 0.35 * depth))

    return np.asarray(draw_mask(width, height, draw), np.float32) / 255


def _leaves(
    brush: ImageDraw.ImageDraw, random: np.random.Generator, x: float, height: int, size: float
) -> None:
    for _ in range(26):
        left = x + random.normal(0, size * 0.13)
        top = random.uniform(-0.1, 0.55) * height * random.uniform(0.4, 1)
        wide = size * random.uniform(0.010, 0.030)
        brush.ellipse([left - wide, top - wide * 0.6, left + wide, top + wide * 0.6], 255)
