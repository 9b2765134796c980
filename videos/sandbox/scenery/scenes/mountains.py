"""Misty ridges, from a sunrise to a moonlit night."""

import numpy as np

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import Canvas, Colour, mix, solid, vertical_gradient
from videos.sandbox.scenery.drawing.layers import (
    ScrollingField,
    Silhouette,
    blend,
    fill,
    ridge_line,
)
from videos.sandbox.scenery.drawing.lights import RadialGlow, Stars, add_light, draw_disc
from videos.sandbox.scenery.scene import SceneSpec

# Per mood: the sky of the first and of the last moment, ridge colours far, near and misty for
# both, the sun's glow.
MOODS = [
    (
        [(0, "#070b26"), (0.30, "#1c1b4e"), (0.50, "#532f6e"), (0.63, "#b9566f"), (1, "#e08862")],
        [(0, "#2c4c94"), (0.26, "#7b78b8"), (0.45, "#e79b90"), (0.60, "#ffd394"), (1, "#fff0c9")],
        ("#43306e", "#0a0c26", "#9a5075"),
        ("#a88aab", "#1b2150", "#ffc79c"),
        "#ff9a5c",
    ),
    (
        [(0, "#06122b"), (0.30, "#0f2c4f"), (0.50, "#2c5a72"), (0.63, "#7b8f86"), (1, "#d8b083")],
        [(0, "#3d7fb0"), (0.28, "#8fbcc6"), (0.46, "#f0d9b0"), (0.60, "#ffe6a6"), (1, "#fff6da")],
        ("#2a4a63", "#071420", "#6d8a86"),
        ("#8fb0ba", "#14323d", "#ffe3b4"),
        "#cf9354",
    ),
    (
        [(0, "#140a2a"), (0.30, "#34134a"), (0.50, "#7a1f57"), (0.63, "#cf3f56"), (1, "#ff7a4a")],
        [(0, "#3a2f7d"), (0.26, "#9a4f95"), (0.45, "#f2716f"), (0.60, "#ffb469"), (1, "#ffe0a0")],
        ("#4d1c52", "#12061f", "#a8385c"),
        ("#a4587f", "#2a1140", "#ff9f74"),
        "#ff7a48",
    ),
]
DAY = (
    [(0, "#3f7fc0"), (0.30, "#7fb0dc"), (0.50, "#c3dbea"), (0.63, "#e8eef0"), (1, "#f4f1e6")],
    [(0, "#3576ba"), (0.30, "#78abda"), (0.50, "#bcd8ea"), (0.63, "#e6eef2"), (1, "#f4f1e6")],
    ("#93aecb", "#1f3d34", "#dfe9ef"),
    ("#8fabc9", "#214238", "#e4edf1"),
    "#fff4d0",
)
NIGHT = (
    [(0, "#030718"), (0.30, "#0a1636"), (0.50, "#17305c"), (0.63, "#2c4c7c"), (1, "#3d5c8a")],
    [(0, "#050b22"), (0.30, "#0e1d44"), (0.50, "#1d3a6b"), (0.63, "#35588a"), (1, "#4a6a98")],
    ("#22375f", "#050a18", "#3d5680"),
    ("#294270", "#070d20", "#4a658f"),
    "#a9c4ff",
)
SNOW_ON = 0.62  # how white the crests are when it snows
LAYERS = 5
FIRST_CREST, STEP = 0.53, 0.095
Tones = tuple[str, str, str]
Layer = tuple[Silhouette, float, Colour, Colour]  # with its speed and its first and last colours
MISTY = 3  # layers behind the haze around the sun


class Mountains:
    ambience = "wind"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        width, height, unit = spec.width, spec.height, spec.unit
        palettes = {"day": DAY, "night": NIGHT}
        night, day, night_tones, day_tones, glow = palettes.get(spec.mood.time, spec.choose(MOODS))
        self._skies = vertical_gradient(night, height), vertical_gradient(day, height)
        self._glow = glow
        self._stars = Stars(width, height, spec.seed)
        self._halo = RadialGlow(width, height, unit * 0.30)
        self._haze = RadialGlow(width, height, unit * 0.30, core=0)
        self._sun_x = width * (0.34 + 0.32 * (spec.seed % 97) / 97)
        self._layers = [self._layer(depth, night_tones, day_tones) for depth in range(LAYERS)]
        self._top = self._layers[0][0].top
        # The haze begins at nothing: the sky above it has the light of the sun already.
        depth = np.arange(height - self._top, dtype=np.float32)[:, None] / height
        self._ramp = np.clip(depth / 0.16, 0, 1) * (
            0.45 + 0.5 * np.exp(-(((depth - 0.16) / 0.1) ** 2))
        )
        self._full_moon = solid("#f4f2ff" if not spec.is_night else "#dfe6ff")
        self._mist, self._mist_top = self._drifting_mist()
        self._mist_tints = solid(night_tones[2]), solid(day_tones[2])

    def _layer(self, depth: int, night: Tones, day: Tones) -> Layer:
        spec = self.spec
        speed = 0.045 * 1.8**depth
        outline = ridge_line(
            spec.width + int(speed * spec.unit) + 4,
            spec.seed + depth,
            spec.height * (FIRST_CREST + STEP * depth),
            spec.unit * (0.10 + 0.016 * depth),
            spec.unit * (0.60 + 0.16 * depth),
            0.52,
        )
        columns = [
            vertical_gradient(self._tones(depth, *tones), spec.height) for tones in (night, day)
        ]
        return Silhouette(outline, spec.height), speed, columns[0], columns[1]

    def _tones(self, depth: int, far: str, near: str, mist: str) -> list[tuple[float, str]]:
        share = depth / (LAYERS - 1)
        crest = mix(far, near, share**0.75)
        if self.spec.is_snowy:
            crest = mix(
                crest, "#8fa3cc" if self.spec.is_night else "#f2f5fc", SNOW_ON - 0.3 * share
            )
        foot = mix(crest, mist, 0.80 * (1 - share) + 0.10)
        top = FIRST_CREST - 0.06 + STEP * depth
        return [(0, crest), (top, crest), (min(top + 0.25, 1.0), foot)]

    def _drifting_mist(self) -> tuple[ScrollingField, int]:
        spec = self.spec
        rows = int(spec.height * 0.24) & ~1
        top = int(spec.height * (FIRST_CREST + 0.12)) & ~1
        wisps = noise.noise_2d(
            rows, int(spec.width * 1.35), spec.seed + 40, (rows * 0.55, spec.unit * 0.8)
        )
        shape = np.sin(np.linspace(0, np.pi, rows, dtype=np.float32))[:, None].clip(0) ** 1.5
        return ScrollingField((np.clip(wisps + 0.25, 0, 1) * shape * 0.75).astype(np.float32)), top

    def paint(self, canvas: Canvas, at: float) -> None:
        spec = self.spec
        morning = spec.daylight(at)
        fill(canvas, self._skies[0].mixed_with(self._skies[1], morning))
        self._stars.paint(canvas, at, 1 - morning * 1.3, solid("#eef2ff"))
        x, y = self._sun_x, canvas.height * (0.60 - 0.25 * spec.sun_height(at))
        light = solid(self._glow, spec.sun_glow(0.80 - 0.15 * morning))
        draw_disc(canvas, x, y, spec.unit * 0.050, self._full_moon)
        add_light(canvas, 0, self._halo.at(x, y, 0, self._layers[0][0].solid), light)
        for depth in range(MISTY):
            self._paint_layer(canvas, depth, at, morning)
        self._paint_haze(canvas, x, y, at, morning)
        for depth in range(MISTY, LAYERS):
            self._paint_layer(canvas, depth, at, morning)

    def _paint_layer(self, canvas: Canvas, depth: int, at: float, morning: float) -> None:
        layer, speed, night, day = self._layers[depth]
        layer.paint(canvas, self.spec.pan(at, speed), night.mixed_with(day, morning))

    def _paint_haze(self, canvas: Canvas, x: float, y: float, at: float, morning: float) -> None:
        mist = self._mist.at(self.spec.share(at) * canvas.width * 0.3, canvas.width)
        blend(
            canvas,
            self._mist_top,
            mist,
            self._mist_tints[0].mixed_with(self._mist_tints[1], morning),
        )
        full, half = self._haze.at(x, y, self._top)
        light = full * self._ramp, half * self._ramp[::2]
        strength = 0.6 * self.spec.sun_glow(0.75 + 0.13 * morning)
        add_light(canvas, self._top, light, solid(self._glow, strength))
