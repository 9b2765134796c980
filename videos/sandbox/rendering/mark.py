"""The mark in a corner of every frame, which says that the sandbox drew it."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from videos.sandbox.scenery.drawing.canvas import Canvas, Field, downsample

MARK = "FIRSTLIGHT SANDBOX"
# In units of the frame's shorter side; the space between characters in font sizes.
SIZE, MARGIN, SHADOW, TRACKING = 0.0185, 0.032, 0.005, 0.16
OPACITY = 0.72


class Mark:
    """White characters with a soft shadow in the top right corner of one frame size."""

    def __init__(self, width: int, height: int) -> None:
        unit = min(width, height)
        mask, margin = _draw(unit * SIZE), int(unit * MARGIN)
        shadow = mask.filter(ImageFilter.GaussianBlur(unit * SHADOW))
        self._left, self._top = (width - mask.width - margin) & ~1, margin & ~1
        text = np.asarray(mask, np.float32) / 255 * np.float32(OPACITY)
        dim = np.clip(np.asarray(shadow, np.float32) / 255 * 1.5, 0, 0.62) * OPACITY
        self._keep: Field = ((1 - dim) * (1 - text)).astype(np.float32)
        self._light = text * np.float32(250)
        self._keep_half = downsample(self._keep)

    def paint(self, canvas: Canvas) -> None:
        luma = _part(canvas.y, self._left, self._top, self._keep)
        luma *= self._keep
        luma += self._light
        for plane in (canvas.u, canvas.v):
            part = _part(plane, self._left // 2, self._top // 2, self._keep_half)
            part *= self._keep_half


def _part(plane: Field, left: int, top: int, shape: Field) -> Field:
    return plane[top : top + shape.shape[0], left : left + shape.shape[1]]


def _draw(size: float) -> Image.Image:
    """Draw the mark into a mask with even sides and room for the shadow."""
    font = ImageFont.load_default(size=max(round(size), 4))
    assert isinstance(font, ImageFont.FreeTypeFont)
    gap, room = font.size * TRACKING, int(font.size / 2) + 1
    long = int(sum(font.getlength(character) + gap for character in MARK)) + 2 * room
    tall = int(font.size * 1.2) + 2 * room
    mask = Image.new("L", (long + long % 2, tall + tall % 2))
    brush, left = ImageDraw.Draw(mask), float(room)
    for character in MARK:
        brush.text((left, mask.height / 2), character, fill=255, font=font, anchor="lm")
        left += font.getlength(character) + gap
    return mask
