"""A snowy valley with pines and a lit cabin."""

import numpy as np
from PIL import ImageDraw

from videos.sandbox.scenery.drawing.canvas import Canvas, Colour, solid, vertical_gradient
from videos.sandbox.scenery.drawing.layers import Silhouette, fill, ridge_line
from videos.sandbox.scenery.drawing.lights import RadialGlow, Stars, add_light
from videos.sandbox.scenery.drawing.sprites import Sprite, conifer_mask, draw_mask
from videos.sandbox.scenery.scene import SceneSpec

SKIES = [
    (
        [(0, "#0b1436"), (0.5, "#33427f"), (0.8, "#9a7fb0"), (1, "#f0b0a8")],
        [(0, "#3a5ba8"), (0.5, "#8fa2d6"), (0.8, "#e6bccb"), (1, "#ffdcc4")],
    ),
    (
        [(0, "#071a2e"), (0.5, "#1f4a6e"), (0.8, "#6f9ab0"), (1, "#e0c8b0")],
        [(0, "#3f7fb0"), (0.5, "#9cc4d8"), (0.8, "#dfe6e6"), (1, "#fff0da")],
    ),
]

DAY = (
    [(0, "#3f86c8"), (0.5, "#93c2e6"), (0.8, "#d3e6f2"), (1, "#f2f6f8")],
    [(0, "#3a80c4"), (0.5, "#8cbde4"), (0.8, "#d0e5f2"), (1, "#f2f6f8")],
)
NIGHT = (
    [(0, "#030819"), (0.5, "#0d1f48"), (0.8, "#22406f"), (1, "#38598a")],
    [(0, "#040a1e"), (0.5, "#11264f"), (0.8, "#284a7c"), (1, "#41639a")],
)
# Far to near: crest and foot colours, height of the ground, rise, speed, trees' spacing and height.
LAYERS = [
    ("#8f9acb", "#c9bcd8", 0.52, 0.17, 0.02, 0.0, 0.0),
    ("#7484bf", "#b9b8de", 0.61, 0.09, 0.04, 0.0, 0.0),
    ("#aab6e2", "#dbdff4", 0.74, 0.03, 0.08, 0.035, 0.15),
    ("#c9d2f0", "#93a0d2", 0.90, 0.03, 0.16, 0.11, 0.42),
]
WOODS = ["#37447c", "#141d45"]
CABIN_LAYER, CABIN_AT = 2, 0.58
DIM = solid("#2a3566")


class Snow:
    ambience = "wind"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        width, height, unit = spec.width, spec.height, spec.unit
        self._skies = [vertical_gradient(sky, height) for sky in self._sky_pair()]
        self._stars = Stars(width, height, spec.seed)
        self._halo = RadialGlow(width, height, unit * 0.35, core=0)
        self._glow = RadialGlow(width, height, unit * 0.09, core=0.5)
        self._sun_x = width * 0.3
        self._layers = [self._layer(depth) for depth in range(len(LAYERS))]
        self._cabin, self._panes = _cabin(int(unit * 0.17))

    def _sky_pair(self) -> tuple[list[tuple[float, str]], list[tuple[float, str]]]:
        spec = self.spec
        return {"day": DAY, "night": NIGHT}.get(spec.mood.time, spec.choose(SKIES))

    def _layer(self, depth: int) -> tuple[Silhouette, Silhouette | None, float, Colour]:
        spec, unit = self.spec, self.spec.unit
        crest, foot, base, rise, speed, spacing, tall = LAYERS[depth]
        outline = ridge_line(
            spec.width + int(unit * speed) + 4,
            spec.seed + depth,
            spec.height * base,
            unit * rise,
            unit * (0.5 + 0.4 * depth),
            0.52 if depth == 0 else 0.42,
        )
        if depth == CABIN_LAYER:
            self._cabin_foot = float(outline[int(spec.width * CABIN_AT)])
        top = base - rise
        stops = [(0, crest), (top, crest), (min(top + 0.22, 1), foot), (1.0, foot)]
        wood = None
        if tall:
            trees = conifer_mask(
                outline.size,
                spec.height,
                spec.seed + 20 + depth,
                outline,
                spacing=unit * spacing,
                tall=unit * tall,
                clearing=(0.40, 0.84),
            )
            wood = Silhouette(np.full_like(outline, spec.height), spec.height, trees)
        return Silhouette(outline, spec.height), wood, speed, vertical_gradient(stops, spec.height)

    def paint(self, canvas: Canvas, at: float) -> None:
        spec, late = self.spec, self.spec.daylight(at)
        least = 0.30 if spec.is_night else 0.62
        fill(canvas, self._skies[0].mixed_with(self._skies[1], late))
        self._stars.paint(canvas, at, 0.9 - late, solid("#f0f4ff"))
        y = canvas.height * (0.52 - 0.10 * late)
        add_light(canvas, 0, self._halo.at(self._sun_x, y), self._halo_colour(late))
        for depth, (ground, wood, speed, shade) in enumerate(self._layers):
            dx = spec.pan(at, speed)
            ground.paint(canvas, dx, DIM.mixed_with(shade, least + (1 - least) * late))
            if depth == CABIN_LAYER:
                self._paint_cabin(canvas, dx, at)
            if wood is not None:
                wood.paint(canvas, dx, self._wood_tone(depth))

    def _halo_colour(self, late: float) -> Colour:
        if self.spec.mood.time in ("day", "night"):
            return solid("#cfdcff", 0.10)
        return solid("#ffb890", 0.30 + 0.25 * late)

    def _wood_tone(self, depth: int) -> Colour:
        tone = WOODS[depth - CABIN_LAYER]
        return vertical_gradient([(0, tone), (1, tone)], self.spec.height)

    def _paint_cabin(self, canvas: Canvas, dx: float, at: float) -> None:
        unit = self.spec.unit
        x, y = canvas.width * CABIN_AT - dx, self._cabin_foot - unit * 0.12
        self._cabin.paint(canvas, x, y, solid("#2b2140"))
        self._panes.paint(canvas, x, y, solid("#ffd27a"))
        flicker = 0.42 + 0.03 * float(np.sin(at * 7) * np.sin(at * 4.3))
        add_light(
            canvas, 0, self._glow.at(x + unit * 0.085, y + unit * 0.105), solid("#ffb45a", flicker)
        )


def _cabin(size: int) -> tuple[Sprite, Sprite]:
    """Return a cabin's walls and its lit panes, as shapes of the same size."""

    def walls(brush: ImageDraw.ImageDraw) -> None:
        s = size * 2
        brush.rectangle([0.18 * s, 0.46 * s, 0.82 * s, 0.80 * s], 255)
        brush.polygon([(0.08 * s, 0.50 * s), (0.50 * s, 0.20 * s), (0.92 * s, 0.50 * s)], 255)
        brush.rectangle([0.66 * s, 0.16 * s, 0.75 * s, 0.40 * s], 255)

    def panes(brush: ImageDraw.ImageDraw) -> None:
        s = size * 2
        for left in (0.28, 0.56):
            brush.rectangle([left * s, 0.55 * s, (left + 0.15) * s, 0.69 * s], 255)

    return Sprite(draw_mask(size, size, walls)), Sprite(draw_mask(size, size, panes))
