"""A skyline above still water, from dusk to night; with neon when the prompt asks for it."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import Canvas, Colour, Field, solid, vertical_gradient
from videos.sandbox.scenery.drawing.layers import (
    ScrollingField,
    Silhouette,
    blend,
    draw_reflection,
    fill,
)
from videos.sandbox.scenery.drawing.lights import (
    LightLayer,
    RadialGlow,
    Stars,
    add_light,
)
from videos.sandbox.scenery.scene import SceneSpec

DUSK = [(0, "#0d1035"), (0.35, "#3a2263"), (0.62, "#a23f72"), (0.84, "#f5835f"), (1, "#ffc27a")]
BLUE = [(0, "#050d24"), (0.45, "#12305e"), (0.80, "#5d6f9a"), (1, "#f0b08a")]
NEON = [(0, "#07051a"), (0.40, "#1c0f44"), (0.72, "#4d1a6e"), (1, "#b02f86")]
NIGHT = [(0, "#02040f"), (0.45, "#081430"), (0.80, "#182a55"), (1, "#3a3a68")]
DAWN = [(0, "#1f3566"), (0.40, "#6a6fa8"), (0.72, "#f0a08e"), (1, "#ffd9a4")]
# By day the sky is bright and the windows are dark.
DAY = [(0, "#3a7fc2"), (0.45, "#86b8e0"), (0.80, "#c8dcea"), (1, "#e8ecec")]
SKIES = {"dawn": [DAWN], "day": [DAY], "dusk": [DUSK, BLUE], "night": [NIGHT]}
SIGNS = ["#ff4fa0", "#4fe0ff", "#ffc45a", "#a878ff"]
# Far, middle and near houses: the wall's colour, how high, how fast.
ROWS = [("#4a3068", 0.40, 0.03), ("#261a48", 0.29, 0.06), ("#0c0a20", 0.15, 0.13)]
DAY_WALLS = ["#9fb2c6", "#71889e", "#40566c"]
SHORE = 0.74


@dataclass(frozen=True, slots=True)
class House:
    """A box in the skyline, in pixels."""

    left: int
    right: int
    top: int


class City:
    ambience = "city"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        width, height, unit = spec.width, spec.height, spec.unit
        self._neon = spec.mentions("neon cyberpunk cyber futuristic tokyo arcade synthwave 霓虹")
        self._stars_light = {"night": 0.8, "dusk": 0.5}.get(spec.mood.time, 0.0)
        self._by_day = spec.mood.time == "day" and not self._neon
        self._shore = int(height * SHORE) & ~1
        sky = NEON if self._neon else spec.choose(SKIES[spec.mood.time])
        self._sky = vertical_gradient(sky, self._shore)
        self._stars = Stars(width, height, spec.seed, depth=0.35)
        self._halo = RadialGlow(width, height, unit * 0.42, core=0)
        glow = "#ff5fb0" if self._neon else "#fff2d8" if self._by_day else "#ff9a5c"
        dim = {"night": 0.14, "day": 0.16}.get(spec.mood.time, 0.40)
        self._glow = solid(glow, 0.40 if self._neon else dim)
        clouds = noise.noise_2d(
            self._shore, int(width * 1.15), spec.seed + 3, (unit * 0.08, unit * 0.7)
        )
        self._clouds = ScrollingField(np.clip(clouds, 0, 1) * np.float32(0.35))
        self._rows = [self._row(depth, sky[-1][1]) for depth in range(len(ROWS))]

    def _row(self, depth: int, haze: str) -> tuple[Silhouette, Colour, LightLayer, float]:
        wall, _, speed = ROWS[depth]
        if self._by_day:
            wall = DAY_WALLS[depth]
        width = (self.spec.width + int(speed * self.spec.unit) + 4) & ~1
        outline, houses = _skyline(width, self.spec, depth, self._shore)
        foot = vertical_gradient([(0, wall), (0.55, wall), (1, haze)], self._shore)
        tone = vertical_gradient([(0, wall), (1, wall)], self._shore).mixed_with(
            foot, 0.45 - 0.2 * depth
        )
        lights = LightLayer(self._lights(width, houses, depth))
        return Silhouette(outline, self._shore), tone, lights, speed

    def _lights(self, width: int, houses: list[House], depth: int) -> list[tuple[Field, Colour]]:
        """Return lit windows and, where there are any, glowing signs."""
        random = np.random.default_rng(self.spec.seed + 50 + depth)
        unit, scale = self.spec.unit, 0.6 + 0.3 * depth
        windows = np.zeros((self._shore, width), np.float32)
        shine = 0.16 if self._by_day else 1.0
        signs = [np.zeros_like(windows) for _ in SIGNS]
        for house in houses:
            _light_windows(windows, house, random, unit * scale)
            if depth and random.random() < (0.65 if self._neon else 0.08):
                sign = signs[random.integers(len(signs))]
                tall, wide = int(unit * random.uniform(0.07, 0.16)), max(int(unit * 0.012), 3)
                left = int(random.integers(house.left + 1, max(house.right - wide, house.left + 2)))
                top = house.top + int(unit * 0.03)
                sign[top : top + tall, left : left + wide] = 1
        lights = [(windows, solid("#ffcf8a", (0.38 + 0.14 * depth) * shine))]
        for sign, colour in zip(signs, SIGNS, strict=True):
            if sign.any():
                lights.append((_glowing(sign, unit), solid(colour, 0.95)))
        return lights

    def paint(self, canvas: Canvas, at: float) -> None:
        spec = self.spec
        fill(canvas, self._sky, 0, self._shore)
        self._stars.paint(canvas, at, self._stars_light, solid("#e8eeff"))
        blend(canvas, 0, self._clouds.at(spec.pan(at, 0.12), canvas.width), self._glow)
        light = self._halo.at(canvas.width * 0.5, self._shore, 0, self._shore)
        add_light(canvas, 0, light, self._glow)
        for houses, tone, lights, speed in self._rows:
            dx = spec.pan(at, speed)
            houses.paint(canvas, dx, tone)
            lights.paint(canvas, dx)
        water = solid("#1f4a68" if self._by_day else "#0a0820")
        draw_reflection(canvas, self._shore, at, 0.62, water)


def _skyline(width: int, spec: SceneSpec, depth: int, shore: int) -> tuple[Field, list[House]]:
    """Return the outline of one row of houses, and the houses."""
    random = np.random.default_rng(spec.seed + 20 + depth)
    swell = noise.noise_1d(width, spec.seed + 30 + depth, spec.unit * 0.5, 2).clip(-1, 1)
    outline = np.full(width, shore, np.float32)
    houses = []
    left = 0
    while left < width:
        right = left + int(spec.unit * random.uniform(0.045, 0.10) * (0.8 + 0.3 * depth))
        right = min(right, width)
        tall = ROWS[depth][1] * (0.72 + 0.35 * swell[left] + random.uniform(-0.3, 0.3))
        house = House(left, right, int(shore - max(tall, 0.04) * spec.unit))
        outline[left:right] = house.top
        if random.random() < 0.2:
            mast = (left + right) // 2
            outline[mast : mast + 2] = house.top - spec.unit * 0.045
        houses.append(house)
        left = right
    return outline, houses


def _light_windows(field: Field, house: House, random: np.random.Generator, unit: float) -> None:
    across, down = max(int(unit * 0.013), 4), max(int(unit * 0.017), 5)
    share = random.uniform(0.12, 0.5)
    for y in range(house.top + down, field.shape[0] - down, down):
        for x in range(house.left + across // 2, house.right - across, across):
            if random.random() < share:
                pane = field[y : y + max(down // 2, 2), x : x + max(across * 3 // 5, 2)]
                pane[:] = random.uniform(0.25, 1)


def _glowing(field: Field, unit: int) -> Field:
    """Return lamps with the glow they throw on wet air."""
    picture = Image.fromarray((field * 255).astype(np.uint8))
    glow = field * np.float32(0.75)
    for radius, strength in ((unit * 0.006, 0.8), (unit * 0.03, 1.5)):
        soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(radius)), np.float32)
        glow = np.maximum(glow, soft / 255 * np.float32(strength))
    return glow
