"""Additive light: glows, lamps, stars and other soft dots."""

from typing import Any

import numpy as np

from videos.sandbox.scenery.drawing.canvas import Canvas, Colour, Field, downsample
from videos.sandbox.scenery.drawing.layers import shifted_view, subpixel_shifts


def add_light(canvas: Canvas, first: int, light: tuple[Field, Field], colour: Colour) -> None:
    """Add coloured light to the rows from `first` (even) on."""
    full, half = light
    halves = slice(first // 2, first // 2 + half.shape[0])
    for plane, weight, value in (
        (canvas.y[first : first + full.shape[0]], full, colour.y),
        (canvas.u[halves], half, colour.u),
        (canvas.v[halves], half, colour.v),
    ):
        # A new array for the product would cost more than the sum.
        product = canvas.scratch(weight.shape)
        np.multiply(weight, value, out=product)
        np.add(plane, product, out=plane)


class LightLayer:
    """Coloured lights on a layer that scrolls: one field of brightness per colour."""

    def __init__(self, lights: list[tuple[Field, Colour]]) -> None:
        lit = np.flatnonzero(sum(field.max(axis=1) for field, _ in lights) > 0)
        self._top, last = (int(lit[0]) & ~1, int(lit[-1]) + 2 & ~1) if lit.size else (0, 2)
        size = last - self._top, lights[0][0].shape[1] & ~1
        luma = np.zeros(size, np.float32)
        self._chroma = [np.zeros((size[0] // 2, size[1] // 2), np.float32) for _ in range(2)]
        for field, ink in lights:
            part = field[self._top : last, : size[1]]
            luma += part * ink.y
            self._chroma[0] += downsample(part) * ink.u
            self._chroma[1] += downsample(part) * ink.v
        self._luma = subpixel_shifts(luma, 2)

    def paint(self, canvas: Canvas, dx: float) -> None:
        """Add the lights to the frame, shifted left by `dx`."""
        luma = shifted_view(self._luma, dx, canvas.width)
        canvas.y[self._top : self._top + luma.shape[0]] += luma
        for plane, lights in zip((canvas.u, canvas.v), self._chroma, strict=True):
            light = shifted_view([lights], dx / 2, canvas.width // 2)
            plane[self._top // 2 : self._top // 2 + light.shape[0]] += light


class RadialGlow:
    """A round light at any position: one large field, of which the frame shows a part.

    A wide glow of `radius` with a bright core of a fifth of it.
    """

    def __init__(self, width: int, height: int, radius: float, core: float = 0.9) -> None:
        self._size = width, height
        y = np.arange(-height, height, 2, dtype=np.float32)[:, None]
        x = np.arange(-width, width, 2, dtype=np.float32)[None]
        distance = (x * x + y * y) / np.float32(radius * radius)
        glow = 1 / (1 + distance) ** np.float32(1.15)
        glare = 1 / (1 + (distance * 25) ** np.float32(1.7))
        self._half = ((glow + glare * np.float32(core)) / np.float32(1 + core)).astype(np.float32)
        self._field = self._half.repeat(2, 0).repeat(2, 1)

    def at(
        self, x: float, y: float, first: int = 0, last: int | None = None
    ) -> tuple[Field, Field]:
        """Return the light centred on (x, y) for the rows first..last (even) of the frame."""
        width, height = self._size
        last = height if last is None else last
        left = min(max(int(width - x), 0), width) & ~1
        top = min(max(int(height - y), 0), height) & ~1
        full = self._field[top + first : top + last, left : left + width]
        half = self._half[(top + first) // 2 : (top + last) // 2, left // 2 : (left + width) // 2]
        return full, half


def draw_disc(
    canvas: Canvas, x: float, y: float, radius: float, colour: Colour, alpha: float = 1
) -> None:
    """Draw a disc with a soft edge at a sub-pixel position, clipped to the frame."""
    left, right = _even_span(x, radius, canvas.width)
    top, bottom = _even_span(y, radius, canvas.height)
    if left >= right or top >= bottom:
        return
    rows = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(y)
    columns = np.arange(left, right, dtype=np.float32)[None] - np.float32(x)
    weight = np.clip((radius - np.sqrt(rows * rows + columns * columns)) / 1.5 + 0.5, 0, alpha)
    half = downsample(weight)
    for plane, share, value, scale in (
        (canvas.y, weight, colour.y, 1),
        (canvas.u, half, colour.u, 2),
        (canvas.v, half, colour.v, 2),
    ):
        part = plane[top // scale : bottom // scale, left // scale : right // scale]
        part += (value - part) * share


def _even_span(centre: float, radius: float, limit: int) -> tuple[int, int]:
    first = max(int(centre - radius - 2), 0) & ~1
    last = min(int(centre + radius + 3), limit) & ~1
    return first, last


def draw_dots(
    canvas: Canvas, x: Field, y: Field, radius: Field, light: Field, colour: Colour
) -> None:
    """Add soft dots of brightness `light` (0..1), except near the edges of the frame."""
    reaches = np.ceil(radius * 1.7).astype(np.int32)
    for reach in np.unique(reaches):
        margin = reach + 2
        inside = (x > margin) & (x < canvas.width - margin)
        chosen = np.flatnonzero(
            (reaches == reach) & inside & (y > margin) & (y < canvas.height - margin)
        )
        place, size, shine_ = (x[chosen], y[chosen]), radius[chosen], light[chosen]
        rows, columns, value = _dots(*place, size, shine_, int(reach))
        canvas.y[rows, columns] += value * colour.y
        half = x[chosen] / 2, y[chosen] / 2
        rows, columns, value = _dots(*half, size / 2 + 0.3, shine_, int(reach + 1) // 2)
        canvas.u[rows, columns] += value * colour.u
        canvas.v[rows, columns] += value * colour.v


def _dots(x: Field, y: Field, radius: Field, light: Field, reach: int) -> tuple[Any, Any, Field]:
    """Return the rows, columns and values of a small square around each dot."""
    steps = np.arange(-reach, reach + 1)
    rows = np.rint(y).astype(np.intp)[:, None] + steps
    columns = np.rint(x).astype(np.intp)[:, None] + steps
    narrow = -1 / (radius * radius)[:, None]
    down = np.exp((rows - y[:, None]) ** 2 * narrow) * light[:, None]
    across = np.exp((columns - x[:, None]) ** 2 * narrow)
    return rows[:, :, None], columns[:, None, :], down[:, :, None] * across[:, None, :]


class Stars:
    """Twinkling stars; `depth` is the share of the frame's height they cover from the top."""

    def __init__(self, width: int, height: int, seed: int, depth: float = 0.6) -> None:
        random = np.random.default_rng(seed)
        count = int(width * height / 3000)
        self._x = random.uniform(0, width, count).astype(np.float32)
        self._y = (random.uniform(0, 1, count) ** 1.3 * height * depth).astype(np.float32)
        self._light = (random.uniform(0, 1, count) ** 5 * 0.95 + 0.10).astype(np.float32)
        self._phase = random.uniform(0, 6.3, count).astype(np.float32)
        self._rate = random.uniform(0.8, 3.0, count).astype(np.float32)
        self._fade = 1 - self._y / (height * depth)
        self._radius = (0.55 + 0.75 * self._light * min(width, height) / 720).astype(np.float32)

    def paint(self, canvas: Canvas, at: float, strength: float, colour: Colour) -> None:
        if strength <= 0.01:
            return
        twinkle = 0.75 + 0.25 * np.sin(self._phase + at * self._rate)
        light = (self._light * twinkle * self._fade * strength).astype(np.float32)
        draw_dots(canvas, self._x, self._y, self._radius, light, colour)
