"""Northern lights over a lake and a dark forest."""

import numpy as np

from videos.sandbox.scenery import noise
from videos.sandbox.scenery.canvas import Canvas, Field, column, doubled, ink
from videos.sandbox.scenery.layers import Silhouette, fill, reflect, ridge
from videos.sandbox.scenery.lights import Stars
from videos.sandbox.scenery.setting import Setting
from videos.sandbox.scenery.shapes import pines

SKY = [(0, "#020615"), (0.45, "#06142e"), (0.80, "#0d2c46"), (1, "#16465a")]
PALETTES = [
    ("#3dffb0", "#22d3c5", "#8b5cf6"),
    ("#7dff9a", "#2ee6a8", "#d94fc0"),
    ("#5ff0ff", "#3f8cff", "#a45cff"),
]
SHORE = 0.70
SCALE = 4


class Aurora:
    sound = "wind"

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        width, height, unit = setting.width, setting.height, setting.unit
        self._shore = int(height * SHORE) // 4 * 4
        self._sky = column(SKY, self._shore)
        self._stars = Stars(width, height, setting.seed, depth=SHORE)
        self._inks = [
            ink(colour, strength)
            for colour, strength in zip(setting.one_of(PALETTES), (0.62, 0.5, 0.5), strict=True)
        ]
        self._columns = width // SCALE
        self._rows = np.arange(self._shore // SCALE, dtype=np.float32)[:, None]
        self._lines = [
            noise.line(self._columns * 3, setting.seed + k, unit / SCALE * 0.8, 4) for k in range(3)
        ]
        self._rays = [
            noise.line(self._columns * 3, setting.seed + 9 + k, unit / SCALE * 0.16, 4, 0.75)
            for k in range(3)
        ]
        hills = ridge(
            width + 8, setting.seed, self._shore - unit * 0.05, unit * 0.05, unit * 0.9, 0.5
        )
        self._hills = Silhouette(hills, self._shore)
        self._hill_ink = column([(0, "#0b2233"), (1, "#071521")], self._shore)
        bank = ridge(
            width + int(unit * 0.1) + 4,
            setting.seed + 3,
            self._shore - unit * 0.012,
            unit * 0.008,
            unit,
            0.5,
        )
        trees = pines(
            bank.size, height, setting.seed + 4, bank, spacing=unit * 0.026, tall=unit * 0.17
        )
        self._trees = Silhouette(bank, self._shore, trees)
        near = ridge(
            width + int(unit * 0.2) + 4, setting.seed + 5, height * 1.005, unit * 0.012, unit, 0.5
        )
        big = pines(
            near.size,
            height,
            setting.seed + 6,
            near,
            spacing=unit * 0.11,
            tall=unit * 0.46,
            clearing=(0.22, 0.80),
        )
        self._near = Silhouette(near, height, big)
        self._near_ink = column([(0, "#02060d"), (1, "#02060d")], height)

    def paint(self, canvas: Canvas, at: float) -> None:
        setting = self.setting
        fill(canvas, self._sky, 0, self._shore)
        self._stars.paint(canvas, at, 1.0, ink("#eaf2ff"))
        self._paint_curtains(canvas, at)
        self._hills.paint(canvas, 0, self._hill_ink)
        self._trees.paint(canvas, setting.drift(at, 0.05), self._near_ink)
        reflect(canvas, self._shore, at, 0.72, ink("#03101f"), reach=2.1)
        self._near.paint(canvas, setting.drift(at, 0.16), self._near_ink)

    def _paint_curtains(self, canvas: Canvas, at: float) -> None:
        """Draw the lights small: they are soft, and enlarging costs less than painting."""
        luma = np.zeros((self._rows.size, self._columns), np.float32)
        chroma = [np.zeros_like(luma), np.zeros_like(luma)]
        for index, colour in enumerate(self._inks):
            light = self._curtain(index, at)
            luma += light * colour.y
            chroma[0] += light * colour.u
            chroma[1] += light * colour.v
        canvas.y[: self._shore] += doubled(doubled(luma))
        canvas.u[: self._shore // 2] += doubled(chroma[0])
        canvas.v[: self._shore // 2] += doubled(chroma[1])

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
