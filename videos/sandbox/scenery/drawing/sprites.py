"""Sprites and masks: boats, cabins, conifers."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from videos.sandbox.scenery.drawing.canvas import Canvas, Colour, Field, downsample


class Sprite:
    """A small single-coloured shape that moves."""

    def __init__(self, shape: Image.Image) -> None:
        padded = Image.new("L", (shape.width + 4 & ~1, shape.height + 4 & ~1))
        padded.paste(shape, (1, 1))
        self._alpha = np.asarray(padded, np.float32) / 255

    def paint(self, canvas: Canvas, x: float, y: float, colour: Colour) -> None:
        """Draw it with its top left corner at a sub-pixel position, clipped to the frame."""
        left, top = int(np.floor(x)) & ~1, int(np.floor(y)) & ~1
        alpha = _shifted(self._alpha, x - left, y - top)
        first_x, first_y = max(-left, 0), max(-top, 0)
        last_x = min(alpha.shape[1], canvas.width - left)
        last_y = min(alpha.shape[0], canvas.height - top)
        if first_x >= last_x or first_y >= last_y:
            return
        part = alpha[first_y:last_y, first_x:last_x]
        half = downsample(part)
        for plane, weight, value, scale in (
            (canvas.y, part, colour.y, 1),
            (canvas.u, half, colour.u, 2),
            (canvas.v, half, colour.v, 2),
        ):
            place = plane[
                (top + first_y) // scale : (top + last_y) // scale,
                (left + first_x) // scale : (left + last_x) // scale,
            ]
            place += (value - place) * weight


def _shifted(alpha: Field, dx: float, dy: float) -> Field:
    """Shift a shape right and down by less than two pixels, with linear interpolation."""
    for axis, shift in ((1, dx), (0, dy)):
        whole, share = int(shift), np.float32(shift - int(shift))
        alpha = np.roll(alpha, whole, axis) * (1 - share) + np.roll(alpha, whole + 1, axis) * share
    return alpha


def draw_mask(width: int, height: int, draw: Callable[[ImageDraw.ImageDraw], None]) -> Image.Image:
    """Return an anti-aliased mask of what `draw` draws at twice the size."""
    big = Image.new("L", (width * 2, height * 2))
    draw(ImageDraw.Draw(big))
    return big.reduce(2)


def conifer_mask(
    width: int,
    height: int,
    seed: int,
    foot: Field,
    *,
    spacing: float,
    tall: float,
    clearing: tuple[float, float] = (1.0, 1.0),
) -> Field:
    """Return a mask of conifers on the outline `foot`, up to `tall` pixels high.

    There are none in the `clearing`, a range in shares of the width.
    """
    random = np.random.default_rng(seed)

    def draw(brush: ImageDraw.ImageDraw) -> None:
        x = 0.0
        while x < width:
            size = tall * random.uniform(0.45, 1.0)
            if clearing[0] < x / width < clearing[1]:
                x = clearing[1] * width
            _draw_conifer(brush, random, x, float(foot[min(int(x), width - 1)]) + 3, size)
            x += spacing * random.uniform(0.5, 1.6)

    return np.asarray(draw_mask(width, height, draw), np.float32) / 255


def _draw_conifer(
    brush: ImageDraw.ImageDraw, random: np.random.Generator, x: float, foot: float, size: float
) -> None:
    tiers = 9
    for tier in range(tiers):
        top = foot - size * (1 - tier / tiers * 0.92)
        bottom = top + size * 0.24
        reach = size * (0.035 + 0.19 * ((tier + 1) / tiers) ** 1.1) * random.uniform(0.85, 1.15)
        points = [(x, top), (x + reach, bottom), (x, bottom - size * 0.05), (x - reach, bottom)]
        brush.polygon([(2 * px, 2 * py) for px, py in points], fill=255)
    brush.rectangle(
        [2 * x - size * 0.02, 2 * (foot - size * 0.2), 2 * x + size * 0.02, 2 * foot + 8], 255
    )
