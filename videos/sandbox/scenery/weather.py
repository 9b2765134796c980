"""Weather and colours over any scene: snow, rain, fog, lightning; warmer, colder or grey."""

import numpy as np

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import Canvas, downsample, solid, upsample
from videos.sandbox.scenery.drawing.layers import ScrollingField, blend
from videos.sandbox.scenery.drawing.lights import draw_dots
from videos.sandbox.scenery.scene import SceneSpec

FLAKES, DROPS = 420, 260
# Ambiences that the weather replaces.
AMBIENCE = {"rain": "rain", "storm": "storm"}
LIGHTNING_EVERY = 3.1  # seconds


class Weather:
    """What falls, drifts and tints between the camera and a scene."""

    def __init__(self, spec: SceneSpec) -> None:
        self.spec, self.mood = spec, spec.mood
        random = np.random.default_rng(spec.seed + 77)
        self._points = [
            random.uniform(0, 1, max(FLAKES, DROPS)).astype(np.float32) for _ in range(4)
        ]
        depth = np.linspace(0, 1, spec.height, dtype=np.float32)[:, None]
        self._ground = np.clip((depth - 0.5) / 0.3, 0, 1) * np.float32(0.20)
        self._fog = self._drifting_fog() if self.mood.weather == "fog" else None

    def _drifting_fog(self) -> ScrollingField:
        spec = self.spec
        rows, columns = spec.height // 4, int(spec.width * 1.3) // 4
        wisps = noise.noise_2d(rows, columns, spec.seed + 78, (rows * 0.35, spec.unit * 0.3), 4)
        depth = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
        thick = np.clip(0.14 + 0.30 * depth + 0.30 * wisps * depth, 0, 0.62)
        return ScrollingField(upsample(upsample(thick.astype(np.float32)))[: spec.height])

    def paint(self, canvas: Canvas, at: float) -> None:
        """Paint the weather over a finished frame of the scene, and tint it."""
        match self.mood.weather:
            case "snow":
                self._paint_snow(canvas, at)
            case "rain" | "storm":
                self._paint_rain(canvas, at)
            case "fog":
                self._paint_fog(canvas, at)
        self._tint(canvas)

    def _paint_snow(self, canvas: Canvas, at: float) -> None:
        light = 0.5 if self.spec.is_night else 1.0
        half = downsample(self._ground.repeat(2, 1))
        blend(canvas, 0, (self._ground, half), solid("#e9edf7", light))
        x, y, near, phase = (points[:FLAKES] for points in self._points)
        fall = np.mod(y + at * (0.05 + 0.16 * near**2), 1.05) * canvas.height
        sway = 0.012 * np.sin(at * (0.6 + near) + phase * 6.3) - at * 0.012 * near
        left = np.mod(x + sway, 1.0) * canvas.width
        radius = ((0.7 + 2.3 * near**3) * self.spec.unit / 720).astype(np.float32)
        draw_dots(canvas, left, fall, radius, 0.30 + 0.5 * near, solid("#ffffff", 0.8))

    def _paint_rain(self, canvas: Canvas, at: float) -> None:
        dark = 0.66 if self.mood.weather == "storm" else 0.80
        canvas.y *= np.float32(dark + _flash(self.mood.weather, at))
        canvas.u *= np.float32(0.72)
        canvas.v *= np.float32(0.72)
        x, y, pace, _ = (points[:DROPS] for points in self._points)
        fall = np.mod(y + at * (1.5 + pace), 1.15) - 0.05
        left = np.mod(x + fall * 0.06, 1.0) * canvas.width
        thin = np.full(DROPS, 0.9 * max(self.spec.unit / 720, 0.6), np.float32)
        for step in range(0, max(canvas.height // 30, 8), 2):
            place = left - step * 0.06, fall * canvas.height - step
            draw_dots(canvas, *place, thin, 0.10 + 0.18 * pace, solid("#dbe6ff"))

    def _paint_fog(self, canvas: Canvas, at: float) -> None:
        assert self._fog is not None
        haze = self._fog.at(self.spec.share(at) * canvas.width * 0.25, canvas.width)
        tone = "#39435c" if self.spec.is_night else "#d5d9de"
        blend(canvas, 0, haze, solid(tone))

    def _tint(self, canvas: Canvas) -> None:
        mood = self.mood
        if mood.hue:
            canvas.rotate_hue(mood.hue)
        if mood.warmth:
            _warm(canvas, mood.warmth)
        if mood.is_grey:
            canvas.u[:] = 0
            canvas.v[:] = 0


def _warm(canvas: Canvas, warmth: float) -> None:
    """Shift colours toward amber, or toward blue below 0; shadows and lights alike."""
    lift = np.float32(14 * warmth)
    canvas.u -= lift
    canvas.v += lift * np.float32(0.8)


def _flash(weather: str, at: float) -> float:
    """Return how much brighter lightning makes a frame."""
    since = (at - 0.9) % LIGHTNING_EVERY
    if weather != "storm" or since > 0.5:
        return 0.0
    return float(0.9 * np.exp(-since * 9) * (0.6 + 0.4 * np.cos(since * 60)))
