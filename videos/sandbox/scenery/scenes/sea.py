"""Open water under a low sun or moon, with a glitter path and a small boat."""

import numpy as np
from PIL import ImageDraw

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import (
    Canvas,
    Field,
    downsample,
    solid,
    vertical_gradient,
)
from videos.sandbox.scenery.drawing.layers import ScrollingField, blend, fill
from videos.sandbox.scenery.drawing.lights import RadialGlow, Stars, add_light, draw_disc
from videos.sandbox.scenery.drawing.sprites import Sprite, draw_mask
from videos.sandbox.scenery.scene import SceneSpec

# Per mood: sky first and last, sea first and last, glow, boat.
MOODS = [
    (
        [(0, "#170f3a"), (0.45, "#5b2f73"), (0.80, "#d8667a"), (1, "#ff9d6b")],
        [(0, "#2f4f9a"), (0.45, "#a582b8"), (0.80, "#ffab86"), (1, "#ffdf9c")],
        [(0, "#b5566f"), (0.25, "#4a2c63"), (1, "#0d0b2c")],
        [(0, "#f0a184"), (0.25, "#8a6a96"), (1, "#1c2a5c")],
        "#ffae6a",
        "#1c1238",
    ),
    (
        [(0, "#08202e"), (0.45, "#1d4a54"), (0.80, "#7b7a6a"), (1, "#e09a66")],
        [(0, "#2c7f92"), (0.45, "#7db5ad"), (0.80, "#f3d3a0"), (1, "#ffe9b4")],
        [(0, "#a07a5e"), (0.22, "#285257"), (1, "#04181f")],
        [(0, "#efcf9b"), (0.22, "#5f9c98"), (1, "#0d3f4a")],
        "#ffc37a",
        "#0a2228",
    ),
]
MOONLIT = (
    [(0, "#030718"), (0.5, "#0b1c48"), (1, "#2c4f8a")],
    [(0, "#050b22"), (0.5, "#122a5e"), (1, "#4168a6")],
    [(0, "#2a4a80"), (0.25, "#10244f"), (1, "#030817")],
    [(0, "#38609c"), (0.25, "#17346a"), (1, "#050d24")],
    "#a9c8ff",
    "#040a1c",
)
DAY = (
    [(0, "#2f7ec6"), (0.5, "#86bfe6"), (0.85, "#cfe4ee"), (1, "#eaf2f2")],
    [(0, "#2a78c0"), (0.5, "#7ebae4"), (0.85, "#cce3ef"), (1, "#eaf2f2")],
    [(0, "#8fc9d6"), (0.22, "#2f92ac"), (1, "#0b4a6c")],
    [(0, "#93ccd8"), (0.22, "#2f97b2"), (1, "#0c4e72")],
    "#f6f3da",
    "#16324a",
)
PALETTES = {"day": DAY, "night": MOONLIT}
BOATS = "boat boats ship ships sail sailing sailboat yacht voyage paper lantern"
HORIZON = 0.52


class Sea:
    ambience = "waves"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        width, height, unit = spec.width, spec.height, spec.unit
        sky, late_sky, sea, late_sea, self._glow, boat = PALETTES.get(
            spec.mood.time, spec.choose(MOODS)
        )
        self._shore = int(height * HORIZON) & ~1
        depth = height - self._shore
        self._skies = vertical_gradient(sky, self._shore), vertical_gradient(late_sky, self._shore)
        self._seas = vertical_gradient(sea, depth), vertical_gradient(late_sea, depth)
        self._stars = Stars(width, height, spec.seed, depth=HORIZON)
        self._halo = RadialGlow(width, height, unit * 0.26)
        self._sun_x = width * (0.40 + 0.2 * (spec.seed % 31) / 31)
        self._waves = [
            ScrollingField(_waves(depth, int(width * 1.3), spec.seed + salt, unit))
            for salt in (1, 2)
        ]
        path = _path(depth, width, self._sun_x, unit)
        self._path = path, downsample(path)
        clouds = noise.noise_2d(
            self._shore, int(width * 1.2), spec.seed + 5, (self._shore * 0.16, unit * 0.9)
        )
        band = np.sin(np.linspace(0, np.pi, self._shore, dtype=np.float32)).clip(0)[:, None]
        self._clouds = ScrollingField((np.clip(clouds - 0.05, 0, 1) * band).astype(np.float32))
        self._boat, self._boat_colour = _sailing_boat(int(unit * 0.16)), solid(boat)
        self._has_boat = spec.mentions(BOATS) or spec.seed % 2 == 0

    def paint(self, canvas: Canvas, at: float) -> None:
        spec, late = self.spec, self.spec.daylight(at)
        fill(canvas, self._skies[0].mixed_with(self._skies[1], late), 0, self._shore)
        self._stars.paint(canvas, at, 1.0 if spec.is_night else 0.8 - late * 1.2, solid("#e8eeff"))
        clouds = self._clouds.at(spec.pan(at, 0.10), canvas.width)
        blend(canvas, 0, clouds, solid(self._glow, 0.85))
        rise = 0.02 + 0.17 * spec.sun_height(at)
        x, y = self._sun_x, self._shore - canvas.height * rise
        draw_disc(canvas, x, y, spec.unit * 0.062, solid("#f6f4ff"))
        fill(canvas, self._seas[0].mixed_with(self._seas[1], late), self._shore)
        add_light(
            canvas,
            0,
            self._halo.at(x, y, 0, self._shore),
            solid(self._glow, spec.sun_glow(0.75 - 0.3 * late)),
        )
        self._paint_water(canvas, at)
        if self._has_boat:
            self._paint_boat(canvas, at)

    def _paint_water(self, canvas: Canvas, at: float) -> None:
        pace = self.spec.unit * 0.020
        middle = canvas.width * 0.15
        one = self._waves[0].at(min(middle + at * pace, canvas.width * 0.29), canvas.width)
        two = self._waves[1].at(max(middle - at * pace, 0), canvas.width)
        full, half = one[0] + two[0], one[1] + two[1]
        canvas.y[self._shore :] *= 1 + 0.16 * full
        sparkle = [
            np.clip(waves - 0.12, 0, 1.1) * path
            for waves, path in zip((full, half), self._path, strict=True)
        ]
        add_light(canvas, self._shore, (sparkle[0], sparkle[1]), solid(self._glow, 1.5))

    def _paint_boat(self, canvas: Canvas, at: float) -> None:
        unit = self.spec.unit
        side = -1 if self._sun_x > canvas.width / 2 else 1
        x = self._sun_x + side * unit * (0.20 - 0.012 * at) - unit * 0.08
        y = self._shore + unit * (0.004 + 0.004 * np.sin(at * 1.5)) - unit * 0.10
        self._boat.paint(canvas, x, y, self._boat_colour)


def _waves(rows: int, width: int, seed: int, unit: int) -> Field:
    """Return crests of about -1..1 that grow wider and taller toward the viewer."""
    flat = noise.noise_2d(256, width * 2, seed, (7, unit * 0.16), octaves=4, roughness=0.62)
    depth = (np.arange(rows, dtype=np.float32) + 1) / rows
    source = np.minimum(255, 255 * depth**0.42).astype(np.intp)
    columns = np.arange(width, dtype=np.float32)[None]
    spread = (0.35 + 1.0 * (1 - depth[:, None]) ** 2).astype(np.float32)
    places = ((columns - width / 2) * spread + width).astype(np.intp)
    return flat[source[:, None], np.clip(places, 0, width * 2 - 1)]


def _path(rows: int, width: int, sun_x: float, unit: int) -> Field:
    depth = (np.arange(rows, dtype=np.float32)[:, None] + 1) / rows
    across = (np.arange(width, dtype=np.float32)[None] - np.float32(sun_x)) / unit
    reach = 0.055 + 0.20 * depth
    return np.exp(-((across / reach) ** 2)) * (1.15 - 0.75 * depth)


def _sailing_boat(size: int) -> Sprite:
    def draw(brush: ImageDraw.ImageDraw) -> None:
        s = size * 2
        hull = [(0.08, 0.64), (0.92, 0.64), (0.78, 0.80), (0.22, 0.80)]
        main, jib = (
            [(0.50, 0.02), (0.50, 0.58), (0.86, 0.58)],
            [(0.46, 0.12), (0.46, 0.58), (0.18, 0.58)],
        )
        for shape in (hull, main, jib):
            brush.polygon([(x * s, y * s) for x, y in shape], fill=255)
        brush.line([(0.48 * s, 0.0), (0.48 * s, 0.66 * s)], fill=255, width=max(2, s // 60))

    return Sprite(draw_mask(size, size, draw))
