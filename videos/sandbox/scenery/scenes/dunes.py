"""Desert dunes with their lit and shaded sides, under the sun or the moon."""

import numpy as np

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import (
    Canvas,
    Colour,
    Field,
    mix,
    solid,
    vertical_gradient,
)
from videos.sandbox.scenery.drawing.layers import Silhouette, fill
from videos.sandbox.scenery.drawing.lights import RadialGlow, Stars, add_light, draw_disc, draw_dots
from videos.sandbox.scenery.scene import SceneSpec

# Per desert: sky first and last, far and near sand, haze, glow.
MOODS = [
    (
        [(0, "#23264f"), (0.35, "#7a5a7c"), (0.58, "#f0a070"), (1, "#ffd08a")],
        [(0, "#3f7fb8"), (0.35, "#a9c4cf"), (0.58, "#ffe2ac"), (1, "#fff0cc")],
        "#e0a468",
        "#8a4a24",
        "#ffcf98",
        "#ffb46a",
    ),
    (
        [(0, "#1c1030"), (0.35, "#5a2a4a"), (0.58, "#d9604a"), (1, "#ffa060")],
        [(0, "#6b4a6d"), (0.35, "#c98a7f"), (0.58, "#f4b98a"), (1, "#ffdcae")],
        "#c9704a",
        "#5c2418",
        "#f0a078",
        "#ff8a54",
    ),
]
DAY = (
    [(0, "#2f7fc4"), (0.35, "#8fbfe0"), (0.58, "#e6dfc8"), (1, "#f6e6c0")],
    [(0, "#2a78be"), (0.35, "#88bbdf"), (0.58, "#e8e2cd"), (1, "#f6e6c0")],
    "#eabf83",
    "#a8642f",
    "#f6dcae",
    "#fff0c8",
)
NIGHT = (
    [(0, "#03061a"), (0.35, "#0e1a40"), (0.58, "#2b3c6c"), (1, "#41507c")],
    [(0, "#050a22"), (0.35, "#12224c"), (0.58, "#344a7c"), (1, "#4a5c8a")],
    "#56608a",
    "#1c1f3c",
    "#6f7aa6",
    "#b4c8ff",
)
COUNT = 4


class Dunes:
    ambience = "wind"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        width, height, unit = spec.width, spec.height, spec.unit
        mars = spec.mentions("mars martian red planet rover canyon")
        palettes = {} if mars else {"day": DAY, "night": NIGHT}
        usual = MOODS[1] if mars else spec.choose(MOODS)
        sky, late, far, near, haze, self._glow = palettes.get(spec.mood.time, usual)
        if spec.is_snowy:
            far, near = mix(far, "#eef2fb", 0.55), mix(near, "#dfe6f4", 0.45)
        self._stars = Stars(width, height, spec.seed, depth=0.58)
        self._skies = vertical_gradient(sky, height), vertical_gradient(late, height)
        self._halo = RadialGlow(width, height, unit * 0.34)
        self._sun_x = width * (0.60 + 0.15 * (spec.seed % 11) / 11)
        self._dunes = [self._dune(depth, far, near, haze) for depth in range(COUNT)]
        random = np.random.default_rng(spec.seed)
        self._sand = [random.uniform(0, 1, 160).astype(np.float32) for _ in range(3)]

    def _dune(
        self, depth: int, far: str, near: str, haze: str
    ) -> tuple[Silhouette, Field, float, Colour]:
        spec, unit = self.spec, self.spec.unit
        speed = 0.03 * 1.9**depth
        width = (spec.width + int(unit * speed) + 4) & ~1
        base = spec.height * (0.60 + 0.10 * depth)
        swell = noise.noise_1d(width, spec.seed + depth, unit * (0.55 + 0.25 * depth), 2, 0.35)
        outline = (base - swell * unit * (0.07 + 0.03 * depth)).astype(np.float32)
        tone = mix(far, near, depth / (COUNT - 1))
        top = 0.56 + 0.10 * depth
        shade = vertical_gradient(
            [
                (0, tone),
                (top, tone),
                (min(top + 0.22, 1), mix(tone, haze, 0.55 - 0.15 * depth)),
                (1, mix(tone, near, 0.5)),
            ],
            spec.height,
        )
        return Silhouette(outline, spec.height), self._relief(outline, depth), speed, shade

    def _relief(self, outline: Field, depth: int) -> Field:
        """Return how much lighter or darker each place of a dune is: its slope toward the sun."""
        rows = self.spec.height
        top = int(outline.min()) & ~1
        unit = self.spec.unit
        down = np.arange(rows - top, dtype=np.float32)[:, None]
        below = np.maximum(down + top - outline[None], 0) / unit
        slope = np.gradient(outline) * 4.0
        shift = (below * unit * 0.9).astype(np.intp)
        places = np.clip(np.arange(outline.size)[None] + shift, 0, outline.size - 1)
        lit = np.tanh(slope[places] * 1.3) * np.exp(-below * 3.2)
        ripples = noise.noise_2d(
            rows - top, outline.size, self.spec.seed + 60 + depth, (unit * 0.012, unit * 0.16), 3
        )
        relief = 1 - 0.55 * lit + 0.05 * ripples * np.clip(below * 8, 0, 1)
        return np.where(below > 0, relief, 1).astype(np.float32)

    def paint(self, canvas: Canvas, at: float) -> None:
        spec, late = self.spec, self.spec.daylight(at)
        fill(canvas, self._skies[0].mixed_with(self._skies[1], late))
        if spec.is_night:
            self._stars.paint(canvas, at, 0.9, solid("#eef2ff"))
        x, y = self._sun_x, canvas.height * (0.56 - 0.26 * spec.sun_height(at))
        draw_disc(canvas, x, y, spec.unit * 0.052, solid("#f6f4ff"))
        strength = spec.sun_glow(0.75 - 0.1 * late)
        add_light(canvas, 0, self._halo.at(x, y), solid(self._glow, strength))
        dark = solid("#10142c" if spec.is_night else "#2a1836")
        for dune, relief, speed, shade in self._dunes:
            dx = spec.pan(at, speed)
            dune.paint(canvas, dx, shade.mixed_with(dark, 0.35 * (1 - late)))
            left = int(dx)
            canvas.y[canvas.height - relief.shape[0] :] *= relief[:, left : left + canvas.width]
        self._paint_sand(canvas, at)

    def _paint_sand(self, canvas: Canvas, at: float) -> None:
        """Draw sand the wind lifts off the crests."""
        x, y, pace = self._sand
        left = np.mod(x + at * (0.05 + 0.12 * pace), 1.0) * canvas.width
        lift = 0.02 * np.sin(at * 2 * pace + x * 30)
        top = (0.60 + 0.38 * y + lift) * canvas.height
        radius = ((0.7 + 0.8 * pace) * self.spec.unit / 720).astype(np.float32)
        draw_dots(canvas, left, top, radius, 0.10 + 0.16 * pace, solid("#ffe6c0"))
