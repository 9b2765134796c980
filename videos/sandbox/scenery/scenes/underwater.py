"""Below the surface: shafts of light, a school of fish, plants on the sea floor, bubbles."""

import numpy as np
from PIL import ImageDraw

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import (
    Canvas,
    Field,
    mix,
    solid,
    upsample,
    vertical_gradient,
)
from videos.sandbox.scenery.drawing.layers import Silhouette, fill, ridge_line
from videos.sandbox.scenery.drawing.lights import draw_dots
from videos.sandbox.scenery.drawing.sprites import Sprite, draw_mask
from videos.sandbox.scenery.scene import SceneSpec

# Per water: from the surface to the depth, the light, the fish.
WATERS = [
    ([(0, "#a8e6e4"), (0.25, "#3aa9c4"), (0.7, "#0d5a8c"), (1, "#06294f")], "#d8fff4", "#08304f"),
    ([(0, "#bfeccb"), (0.25, "#4cb79a"), (0.7, "#14685f"), (1, "#06302f")], "#f0ffd8", "#06322f"),
]
NIGHT = ([(0, "#16345f"), (0.3, "#0c2148"), (1, "#030a1c")], "#7fb4ff", "#02060f")
SCALE, FISH = 4, 26


class Underwater:
    ambience = "underwater"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        width, height, unit = spec.width, spec.height, spec.unit
        water, light, fish = NIGHT if spec.is_night else spec.choose(WATERS)
        self._water = vertical_gradient(water, height)
        self._light, self._fish_colour = solid(light, 0.34), solid(fish)
        rows, columns = height // SCALE, width // SCALE
        y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) * SCALE
        dx, dy = x - width * 0.36, y + unit * 0.55
        self._angles = np.arctan2(dx, dy).astype(np.float32)
        self._reach = np.exp(-np.hypot(dx, dy) / (unit * 0.75)) * np.float32(1.7)
        self._beams = noise.noise_1d(2048, spec.seed + 30, 150, 5, 0.6)
        self._floor = [self._bed(depth, water[-1][1]) for depth in (0, 1)]
        random = np.random.default_rng(spec.seed)
        self._school = [random.uniform(0, 1, FISH).astype(np.float32) for _ in range(4)]
        self._shapes = [_fish(int(unit * size)) for size in (0.035, 0.05, 0.075)]
        self._bubbles = [random.uniform(0, 1, 70).astype(np.float32) for _ in range(3)]

    def _bed(self, depth: int, tone: str) -> tuple[Silhouette, float, str]:
        spec, unit = self.spec, self.spec.unit
        speed = 0.06 + 0.09 * depth
        wide = spec.width + int(unit * speed) + 4
        foot = ridge_line(
            wide,
            spec.seed + depth,
            spec.height * (0.90 + 0.07 * depth),
            unit * 0.05,
            unit * 0.5,
            0.5,
        )
        weeds = _weeds(wide, spec.height, spec.seed + 5 + depth, foot, unit * (0.14 + 0.08 * depth))
        return Silhouette(foot, spec.height, weeds), speed, mix(tone, "#000510", 0.35 + 0.3 * depth)

    def paint(self, canvas: Canvas, at: float) -> None:
        fill(canvas, self._water)
        self._paint_shafts(canvas, at)
        self._paint_school(canvas, at)
        for bed, speed, tone in self._floor:
            shade = vertical_gradient([(0, tone), (1, tone)], canvas.height)
            bed.paint(canvas, self.spec.pan(at, speed), shade)
        self._paint_bubbles(canvas, at)

    def _paint_shafts(self, canvas: Canvas, at: float) -> None:
        place = (self._angles * 400 + 1024 + at * 14).astype(np.intp) & 2047
        swell = self._beams[(place + int(at * 23)) & 2047]
        light: Field = np.clip(self._beams[place] * 0.9 + swell * 0.6 + 0.25, 0, 1.4) * self._reach
        canvas.y += upsample(upsample(light * self._light.y))
        half = upsample(light)
        canvas.u += half * self._light.u
        canvas.v += half * self._light.v

    def _paint_school(self, canvas: Canvas, at: float) -> None:
        across, down, pace, phase = self._school
        for n in range(FISH):
            shape = self._shapes[n % 3]
            x = ((across[n] + at * 0.035 * (0.7 + 0.5 * pace[n])) % 1.25 - 0.12) * canvas.width
            sway = 0.018 * np.sin(at * (1.2 + pace[n]) + phase[n] * 6.3)
            y = (0.30 + 0.34 * down[n] + sway) * canvas.height
            shape.paint(canvas, float(x), float(y), self._fish_colour)

    def _paint_bubbles(self, canvas: Canvas, at: float) -> None:
        x, y, pace = self._bubbles
        top = np.mod(y - at * (0.03 + 0.07 * pace), 1.05) * canvas.height
        left = np.mod(x + 0.008 * np.sin(at * 3 + y * 40), 1.0) * canvas.width
        radius = ((0.8 + 2.0 * pace**2) * self.spec.unit / 720).astype(np.float32)
        draw_dots(canvas, left, top, radius, 0.14 + 0.25 * pace, self._light)


def _fish(size: int) -> Sprite:
    def draw(brush: ImageDraw.ImageDraw) -> None:
        s = size * 2
        brush.ellipse([0.22 * s, 0.34 * s, 0.96 * s, 0.66 * s], 255)
        brush.polygon([(0.30 * s, 0.50 * s), (0.02 * s, 0.30 * s), (0.02 * s, 0.70 * s)], 255)
        brush.polygon([(0.48 * s, 0.38 * s), (0.66 * s, 0.22 * s), (0.72 * s, 0.40 * s)], 255)

    return Sprite(draw_mask(size, size, draw))


def _weeds(width: int, height: int, seed: int, foot: Field, tall: float) -> Field:
    random = np.random.default_rng(seed)

    def draw(brush: ImageDraw.ImageDraw) -> None:
        x = 0.0
        while x < width:
            size, lean = tall * random.uniform(0.3, 1.0), random.uniform(-0.35, 0.35)
            base = float(foot[min(int(x), width - 1)]) + 4
            steps = np.linspace(0, 1, 12)
            bend = lean * size * steps**2 + 0.06 * size * np.sin(steps * 9 + x)
            line = [(2 * (x + b), 2 * (base - size * s)) for b, s in zip(bend, steps, strict=True)]
            brush.line(line, fill=255, width=max(int(tall * 0.09), 3))
            x += tall * random.uniform(0.1, 0.9)

    return np.asarray(draw_mask(width, height, draw), np.float32) / 255
