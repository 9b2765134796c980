"""Rows of lavender, tulips, wheat or rice that run to the horizon."""

import numpy as np

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import Canvas, downsample, solid, vertical_gradient
from videos.sandbox.scenery.drawing.layers import (
    ScrollingField,
    Silhouette,
    blend,
    fill,
    ridge_line,
)
from videos.sandbox.scenery.drawing.lights import RadialGlow, Stars, add_light, draw_disc, draw_dots
from videos.sandbox.scenery.scene import SceneSpec

SKY = [(0, "#24356e"), (0.45, "#7f70b0"), (0.82, "#f2a08c"), (1, "#ffd39a")]
LATE = [(0, "#4f7fc4"), (0.45, "#b0b6dd"), (0.82, "#ffd2a6"), (1, "#ffedc2")]
DAY = [(0, "#2f7ec8"), (0.5, "#86bce6"), (0.85, "#cfe3ef"), (1, "#eef3ee")]
NIGHT = [(0, "#040a20"), (0.5, "#12264f"), (0.85, "#2c4a78"), (1, "#48648e")]
# Per time of day: the sky first and last, the clouds, the glow and how bright the ground is.
LIGHTS = {
    "dawn": (SKY, LATE, "#ffb9a0", "#ff9f70", 0.62),
    "dusk": (SKY, LATE, "#ffb9a0", "#ff9f70", 0.62),
    "day": (DAY, DAY, "#ffffff", "#fff4d2", 0.72),
    "night": (NIGHT, NIGHT, "#3d5583", "#b4c8ff", 0.26),
}
# Per crop: the furrow, the flower, the light on it.
CROPS = {
    "lavender": ("#2a1f3f", "#9a76d8", "#ffc0b0"),
    "tulip": ("#2c3a20", "#e0506a", "#ffd29a"),
    "wheat": ("#4a3414", "#d9a84a", "#ffe6a0"),
    "rice": ("#16352a", "#5fae62", "#e8ffb0"),
}
WORDS = {
    "tulip": "tulip tulips rose roses poppy poppies red flower flowers garden spring",
    "wheat": "wheat corn barley golden gold harvest autumn grain hay desert farm",
    "rice": "rice tea green grass meadow paddy paddies terrace terraces summer park",
}
# Per time of day: the far hills, the near ones, and the haze at their foot.
HILLS = {
    "dawn": ("#6d6394", "#463c6c", "#c98a94"),
    "dusk": ("#6d6394", "#463c6c", "#c98a94"),
    "day": ("#7f9fb8", "#4f7a6c", "#bcd2c8"),
    "night": ("#1d3157", "#101c3a", "#2c4270"),
}
HORIZON = 0.50
ROWS_ACROSS = 9.0


class Fields:
    ambience = "meadow"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        width, height, unit = spec.width, spec.height, spec.unit
        self._edge = int(height * (HORIZON + 0.035)) & ~1
        sky, late, cloud, self._glow, self._least = LIGHTS[spec.mood.time]
        self._skies = vertical_gradient(sky, self._edge), vertical_gradient(late, self._edge)
        self._cloud = solid(cloud)
        self._stars = Stars(width, height, spec.seed, depth=HORIZON)
        self._halo = RadialGlow(width, height, unit * 0.28)
        self._sun_x = width * (0.42 + 0.16 * (spec.seed % 13) / 13)
        self._hills = []
        for depth, (base, rise, tone) in enumerate(
            zip((0.50, 0.525), (0.05, 0.03), HILLS[spec.mood.time][:2], strict=True)
        ):
            speed = 0.02 + 0.02 * depth
            outline = ridge_line(
                width + int(unit * speed) + 4,
                spec.seed + depth,
                height * base,
                unit * rise,
                unit * 0.5,
                0.5,
            )
            self._hills.append(
                (
                    Silhouette(outline, self._edge),
                    speed,
                    vertical_gradient(
                        [(0, tone), (0.9, tone), (1, HILLS[spec.mood.time][2])], self._edge
                    ),
                )
            )
        self._colourful = np.float32(0.45 if spec.is_night else 1.0)
        self._plant(*CROPS[self._crop()])
        clouds = noise.noise_2d(
            self._edge, int(width * 1.2), spec.seed + 5, (unit * 0.07, unit * 0.8)
        )
        self._clouds = ScrollingField(np.clip(clouds, 0, 1) * np.float32(0.5))
        random = np.random.default_rng(spec.seed)
        self._petals = [random.uniform(0, 1, 60).astype(np.float32) for _ in range(3)]

    def _crop(self) -> str:
        return next(
            (crop for crop, spoken in WORDS.items() if self.spec.mentions(spoken)), "lavender"
        )

    def _plant(self, furrow: str, flower: str, light: str) -> None:
        """Prepare where each pixel of the ground lies in a texture of plants, near to far."""
        width, height, unit = self.spec.width, self.spec.height, self.spec.unit
        rows = height - self._edge
        depth = (np.arange(rows, dtype=np.float32)[:, None] + 1) / rows
        across = (np.arange(width, dtype=np.float32)[None] - np.float32(width * 0.5)) / unit
        row = across / (depth * 0.62 + 0.012) * ROWS_ACROSS / 2
        sine = (0.5 + 0.5 * np.sin(row * 2 * np.pi)).astype(np.float32)
        # Far away the rows are finer than a pixel: blend them to their mean instead of flickering.
        self._row = 0.5 + (sine - 0.5) * np.clip(depth * 9, 0, 1)
        self._texture = noise.noise_2d(1024, 1024, self.spec.seed + 7, (26, 26), 4, 0.75).ravel()
        self._u = (row * 34).astype(np.int32) & 1023
        self._v = 1 / (depth * 1.1 + 0.05) * 190
        glow = np.exp(-((across - (self._sun_x / width - 0.5) * width / unit) ** 2) / 0.16)
        self._sunny = (glow * (1 - depth) ** 1.2 * 0.9).astype(np.float32)
        self._colours = solid(furrow), solid(flower), solid(light)
        self._shade = (1.05 - 0.30 * depth).astype(np.float32)

    def paint(self, canvas: Canvas, at: float) -> None:
        spec = self.spec
        late = spec.daylight(at)
        fill(canvas, self._skies[0].mixed_with(self._skies[1], late), 0, self._edge)
        if spec.is_night:
            self._stars.paint(canvas, at, 0.9, solid("#eef2ff"))
        x, y = self._sun_x, canvas.height * (HORIZON - 0.02 - 0.16 * spec.sun_height(at))
        blend(canvas, 0, self._clouds.at(spec.pan(at, 0.1), canvas.width), self._cloud)
        draw_disc(canvas, x, y, spec.unit * 0.05, solid("#f6f4ff"))
        strength = spec.sun_glow(0.7 - 0.15 * late)
        add_light(canvas, 0, self._halo.at(x, y, 0, self._edge), solid(self._glow, strength))
        for hill, speed, tone in self._hills:
            hill.paint(canvas, spec.pan(at, speed), tone)
        self._paint_ground(canvas, at, late)
        self._paint_petals(canvas, at)

    def _paint_ground(self, canvas: Canvas, at: float, late: float) -> None:
        walked = (self._v + at * 26).astype(np.int32) & 1023
        plants = self._texture.take(walked * 1024 + self._u)
        bloom = self._row * np.clip(0.62 + 0.55 * plants, 0, 1.5)
        furrow, flower, light = self._colours
        sunny = self._sunny * (0.4 + 0.6 * late) * bloom
        brightness = self._shade * (self._least + (1 - self._least) * late)
        edge = self._edge
        canvas.y[edge:] = (furrow.y + (flower.y - furrow.y) * bloom) * brightness + sunny * light.y
        bloom, sunny = downsample(bloom), downsample(sunny)
        for plane, near, far, lit in (
            (canvas.u, furrow.u, flower.u, light.u),
            (canvas.v, furrow.v, flower.v, light.v),
        ):
            plane[edge // 2 :] = (near + (far - near) * bloom) * self._colourful + sunny * lit

    def _paint_petals(self, canvas: Canvas, at: float) -> None:
        x, y, pace = self._petals
        left = np.mod(x + at * 0.03 * (0.5 + pace), 1.05) * canvas.width
        sway = 0.02 * np.sin(at * (1 + pace) + x * 20)
        top = np.mod(y * 0.7 + 0.25 + sway + at * 0.01, 1.0) * canvas.height
        radius = ((0.8 + 1.6 * pace) * self.spec.unit / 720).astype(np.float32)
        draw_dots(canvas, left, top, radius, 0.25 + 0.4 * pace, self._colours[2])
