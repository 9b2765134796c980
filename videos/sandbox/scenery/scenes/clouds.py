"""Above a sea of clouds, with balloons that drift and birds that cross."""

import numpy as np
from PIL import ImageDraw

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import Canvas, Colour, mix, solid, vertical_gradient
from videos.sandbox.scenery.drawing.layers import Silhouette, fill
from videos.sandbox.scenery.drawing.lights import RadialGlow, Stars, add_light, draw_disc
from videos.sandbox.scenery.drawing.sprites import Sprite, draw_mask
from videos.sandbox.scenery.scene import SceneSpec

# Per time of day: the sky first and last, the clouds lit and in shade, the glow.
LIGHTS = {
    "dawn": (
        [(0, "#2b3a7c"), (0.35, "#8d7fbc"), (0.6, "#f6a894"), (1, "#ffd9a8")],
        [(0, "#4f8fd0"), (0.35, "#a9bfe4"), (0.6, "#ffd6b4"), (1, "#fff0d2")],
        ("#ffe3cf", "#9a7fae", "#ffb27c"),
    ),
    "dusk": (
        [(0, "#3a1f55"), (0.35, "#98437a"), (0.6, "#ef7a5c"), (1, "#ffc27a")],
        [(0, "#4a5aa8"), (0.35, "#c283ab"), (0.6, "#ffb083"), (1, "#ffe0a6")],
        ("#ffc9a4", "#6f4a83", "#ff8f5a"),
    ),
    "day": (
        [(0, "#1f6fc0"), (0.4, "#62a8e4"), (0.7, "#b5dcf4"), (1, "#e8f4f8")],
        [(0, "#1f6fc0"), (0.4, "#62a8e4"), (0.7, "#b5dcf4"), (1, "#e8f4f8")],
        ("#ffffff", "#a9c3de", "#fff6dc"),
    ),
    "night": (
        [(0, "#030716"), (0.45, "#0d1f49"), (1, "#274575")],
        [(0, "#030716"), (0.45, "#0d1f49"), (1, "#274575")],
        ("#5f7cb4", "#101d42", "#b4c8ff"),
    ),
}
COLOURS = ["#d8434f", "#e8a23a", "#2f7fae", "#7a4fa8", "#3f9a6a"]
LAYERS = 4
BIRDS = "bird birds eagle gull gulls crane geese dragon wings"


class Clouds:
    ambience = "wind"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        width, height, unit = spec.width, spec.height, spec.unit
        first, last, tones = LIGHTS[spec.mood.time]
        self._skies = vertical_gradient(first, height), vertical_gradient(last, height)
        self._glow = tones[2]
        self._stars = Stars(width, height, spec.seed)
        self._halo = RadialGlow(width, height, unit * 0.32)
        self._sun_x = width * (0.25 + 0.5 * (spec.seed % 23) / 23)
        self._banks = [self._bank(depth, *tones[:2]) for depth in range(LAYERS)]
        random = np.random.default_rng(spec.seed)
        self._only_birds = spec.mentions(BIRDS)
        self._flyers = [random.uniform(0, 1, 5).astype(np.float32) for _ in range(3)]
        self._balloons = [_balloon(int(unit * size)) for size in (0.10, 0.16, 0.24)]
        self._wings = [_bird(int(unit * size), lift) for size in (0.05, 0.07) for lift in (0, 1)]

    def _bank(self, depth: int, lit: str, shade: str) -> tuple[Silhouette, float, Colour]:
        spec, unit = self.spec, self.spec.unit
        speed = 0.05 * 1.8**depth
        wide = spec.width + int(unit * speed) + 4
        # Bumps that are round on top: the absolute value of noise, turned upside down.
        bumps = np.abs(
            noise.noise_1d(wide, spec.seed + depth, unit * (0.35 + 0.12 * depth), 4, 0.5)
        )
        swell = noise.noise_1d(wide, spec.seed + 9 + depth, unit * 1.1, 3, 0.5)
        base = spec.height * (0.62 + 0.105 * depth)
        outline = base - (1 - bumps) * unit * 0.075 + swell * unit * 0.05
        top = 0.54 + 0.105 * depth
        near = mix(lit, shade, 0.10 * depth)
        stops = [(0, near), (top, near), (min(top + 0.24, 1), mix(lit, shade, 0.75)), (1, shade)]
        return (
            Silhouette(outline.astype(np.float32), spec.height),
            speed,
            vertical_gradient(stops, spec.height),
        )

    def paint(self, canvas: Canvas, at: float) -> None:
        spec, late = self.spec, self.spec.daylight(at)
        fill(canvas, self._skies[0].mixed_with(self._skies[1], late))
        if spec.is_night:
            self._stars.paint(canvas, at, 1.0, solid("#eef2ff"))
        x, y = self._sun_x, canvas.height * (0.58 - 0.28 * spec.sun_height(at))
        draw_disc(canvas, x, y, spec.unit * 0.055, solid("#f8f5ff"))
        strength = spec.sun_glow(0.8 - 0.2 * late)
        add_light(canvas, 0, self._halo.at(x, y), solid(self._glow, strength))
        for depth, (bank, speed, tone) in enumerate(self._banks):
            bank.paint(canvas, spec.pan(at, speed), tone)
            if depth < LAYERS - 1:
                self._paint_flyers(canvas, at, depth)

    def _paint_flyers(self, canvas: Canvas, at: float, depth: int) -> None:
        across, down, pace = self._flyers
        for n in range(depth, 5, LAYERS - 1):
            x = (0.08 + 0.8 * across[n] + at * 0.006 * (0.5 + pace[n])) * canvas.width
            if self._only_birds:
                beat = int(at * (5 + 3 * pace[n]) + 2 * across[n]) % 2
                y = (0.12 + 0.4 * down[n] + 0.01 * np.sin(at * 2)) * canvas.height
                x += at * self.spec.unit * 0.05
                wing = self._wings[n % 2 * 2 + beat]
                wing.paint(canvas, float(x), float(y), solid("#1a1c2c"))
                continue
            y = (0.10 + 0.34 * down[n] - at * 0.006 * (0.4 + pace[n])) * canvas.height
            colour = COLOURS[(self.spec.seed + n) % len(COLOURS)]
            dim = 0.6 if self.spec.is_night else 0.28 - 0.1 * depth
            far = mix(colour, "#10162c" if self.spec.is_night else "#cfd9ea", dim)
            self._balloons[depth].paint(canvas, float(x), float(y), solid(far))


def _balloon(size: int) -> Sprite:
    def draw(brush: ImageDraw.ImageDraw) -> None:
        s = size * 2
        brush.ellipse([0.16 * s, 0.0, 0.84 * s, 0.66 * s], 255)
        brush.polygon(
            [
                (0.20 * s, 0.46 * s),
                (0.80 * s, 0.46 * s),
                (0.57 * s, 0.80 * s),
                (0.43 * s, 0.80 * s),
            ],
            255,
        )
        brush.rectangle([0.43 * s, 0.86 * s, 0.57 * s, 0.97 * s], 255)
        for x in (0.44, 0.56):
            brush.line([(x * s, 0.78 * s), (x * s, 0.88 * s)], 255, max(1, int(s * 0.008)))
        for x in (0.36, 0.5, 0.64):  # the seams between its panels
            brush.line([(x * s, 0.02 * s), ((0.5 + (x - 0.5) * 0.4) * s, 0.78 * s)], 200, 2)

    return Sprite(draw_mask(size, size, draw))


def _bird(size: int, lift: int) -> Sprite:
    def draw(brush: ImageDraw.ImageDraw) -> None:
        s = size * 2
        tip = 0.22 if lift else 0.58
        for side in (-1, 1):
            wing = [
                (0.5 * s, 0.46 * s),
                ((0.5 + side * 0.24) * s, (tip + 0.06) * s),
                ((0.5 + side * 0.48) * s, tip * s),
                ((0.5 + side * 0.22) * s, (tip + 0.17) * s),
                (0.5 * s, 0.56 * s),
            ]
            brush.polygon(wing, 255)
        brush.ellipse([0.46 * s, 0.42 * s, 0.54 * s, 0.66 * s], 255)

    return Sprite(draw_mask(size, size, draw))
