"""Northern lights over a lake and a dark forest."""

import numpy as np

from videos.sandbox.scenery.drawing import noise
from videos.sandbox.scenery.drawing.canvas import Canvas, Field, solid, upsample, vertical_gradient
from videos.sandbox.scenery.drawing.layers import Silhouette, draw_reflection, fill, ridge_line
from videos.sandbox.scenery.drawing.lights import Stars
from videos.sandbox.scenery.drawing.sprites import conifer_mask
from videos.sandbox.scenery.scene import SceneSpec

SKY = [(0, "#020615"), (0.45, "#06142e"), (0.80, "#0d2c46"), (1, "#16465a")]
PALETTES = [
    ("#3dffb0", "#22d3c5", "#8b5cf6"),
    ("#7dff9a", "#2ee6a8", "#d94fc0"),
    ("#5ff0ff", "#3f8cff", "#a45cff"),
]
SHORE = 0.70
SCALE = 4


class Aurora:
    ambience = "wind"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        width, height, unit = spec.width, spec.height, spec.unit
        self._shore = int(height * SHORE) // 4 * 4
        self._sky = vertical_gradient(SKY, self._shore)
        self._stars = Stars(width, height, spec.seed, depth=SHORE)
        self._colours = [
            solid(colour, strength)
            for colour, strength in zip(spec.choose(PALETTES), (0.62, 0.5, 0.5), strict=True)
        ]
        self._columns = width // SCALE
        self._rows = np.arange(self._shore // SCALE, dtype=np.float32)[:, None]
        self._lines = [
            noise.noise_1d(self._columns * 3, spec.seed + k, unit / SCALE * 0.8, 4)
            for k in range(3)
        ]
        self._rays = [
            noise.noise_1d(self._columns * 3, spec.seed + 9 + k, unit / SCALE * 0.16, 4, 0.75)
            for k in range(3)
        ]
        hills = ridge_line(
            width + 8, spec.seed, self._shore - unit * 0.05, unit * 0.05, unit * 0.9, 0.5
        )
        self._hills = Silhouette(hills, self._shore)
        self._hill_colour = vertical_gradient([(0, "#0b2233"), (1, "#071521")], self._shore)
        bank = ridge_line(
            width + int(unit * 0.1) + 4,
            spec.seed + 3,
            self._shore - unit * 0.012,
            unit * 0.008,
            unit,
            0.5,
        )
        trees = conifer_mask(
            bank.size, height, spec.seed + 4, bank, spacing=unit * 0.026, tall=unit * 0.17
        )
        self._trees = Silhouette(bank, self._shore, trees)
        near = ridge_line(
            width + int(unit * 0.2) + 4, spec.seed + 5, height * 1.005, unit * 0.012, unit, 0.5
        )
        big = conifer_mask(
            near.size,
            height,
            spec.seed + 6,
            near,
            spacing=unit * 0.11,
            tall=unit * 0.46,
            clearing=(0.22, 0.80),
        )
        self._near = Silhouette(near, height, big)
        self._near_colour = vertical_gradient([(0, "#02060d"), (1, "#02060d")], height)

    def paint(self, canvas: Canvas, at: float) -> None:
        spec = self.spec
        fill(canvas, self._sky, 0, self._shore)
        self._stars.paint(canvas, at, 1.0, solid("#eaf2ff"))
        self._paint_curtains(canvas, at)
        self._hills.paint(canvas, 0, self._hill_colour)
        self._trees.paint(canvas, spec.pan(at, 0.05), self._near_colour)
        draw_reflection(canvas, self._shore, at, 0.72, solid("#03101f"), reach=2.1)
        self._near.paint(canvas, spec.pan(at, 0.16), self._near_colour)

    def _paint_curtains(self, canvas: Canvas, at: float) -> None:
        """Draw the lights small: they are soft, and enlarging costs less than painting."""
        luma = np.zeros((self._rows.size, self._columns), np.float32)
        chroma = [np.zeros_like(luma), np.zeros_like(luma)]
        for index, colour in enumerate(self._colours):
            light = self._curtain(index, at)
            luma += light * colour.y
            chroma[0] += light * colour.u
            chroma[1] += light * colour.v
        canvas.y[: self._shore] += upsample(upsample(luma))
        canvas.u[: self._shore // 2] += upsample(chroma[0])
        canvas.v[: self._shore // 2] += upsample(chroma[1])

    def _curtain(self, index: int, at: float) -> Field:
        height, count = self._rows.size, self._columns
        place = np.arange(count) + count * (0.4 + 0.3 * index) + at * (3.5 - 3 * index)
        base = height * (0.62 - 0.13 * index) + height * 0.20 * _sample(self._lines[index], place)
        rays = _sample(self._rays[index], place * 1.0 + 9 * np.sin(place / 40 + at * 0.5) + at * 4)
        breath = 0.8 + 0.2 * np.sin(at * 0.9 + index * 2 + place / count * 5)
        strength = np.clip(rays * 0.75 + 0.62, 0.06, 1.6) * breath
        above = base[None] - self._rows
        tall = height * (0.30 + 0.10 * index)
        fall = np.where(above > 0, np.exp(-above / tall), np.exp(above / (height * 0.022)))
        light: Field = (fall * strength[None]).astype(np.float32)
        return light


def _sample(line: Field, places: Field) -> Field:
    wrapped = np.mod(places, line.size - 1)
    index = wrapped.astype(np.intp)
    share = wrapped - index
    return line[index] * (1 - share) + line[index + 1] * share
