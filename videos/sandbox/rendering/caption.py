"""The text in every frame: the prompt as a caption, and the sandbox's mark."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from videos.sandbox.scenery.drawing.canvas import Canvas, Field, downsample
from videos.sandbox.scenery.drawing.layers import smoothstep

MARK = "FIRSTLIGHT SANDBOX"
LINES = 3
FONTS = Path("/usr/share/fonts")
WIDE_FONTS = ("NotoSerifCJK-Regular.ttc", "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf")
FADE_SECONDS = 0.7


class _TextSprite:
    """White text with a soft shadow at a fixed position."""

    def __init__(self, mask: Image.Image, left: int, top: int, spread: float) -> None:
        shadow = mask.filter(ImageFilter.GaussianBlur(spread))
        self.position = left & ~1, top & ~1
        self._text = np.asarray(mask, np.float32) / 255
        self._dim = np.clip(np.asarray(shadow, np.float32) / 255 * 1.5, 0, 0.62)

    def paint(self, canvas: Canvas, opacity: float) -> None:
        left, top = self.position
        height, width = self._text.shape
        text = self._text * np.float32(opacity)
        keep: Field = (1 - self._dim * np.float32(opacity)) * (1 - text)
        luma = canvas.y[top : top + height, left : left + width]
        luma *= keep
        luma += text * np.float32(250)
        half = downsample(keep)
        for plane in (canvas.u, canvas.v):
            plane[top // 2 : top // 2 + half.shape[0], left // 2 : left // 2 + half.shape[1]] *= (
                half
            )


class Overlay:
    """Caption and mark for one frame size."""

    def __init__(self, text: str, width: int, height: int) -> None:
        unit = min(width, height)
        margin = int(unit * 0.065)
        mark = _draw([MARK], _font(MARK, unit * 0.0185), 1.0, tracking=0.16)
        self._mark = _TextSprite(mark, width - mark.width - margin // 2, margin // 2, unit * 0.005)
        font = _font(text, unit * 0.040)
        lines = wrap(text, font, width - 2 * margin)
        self._caption = None
        if lines:
            mask = _draw(lines, font, 1.34)
            left = (width - mask.width) // 2
            self._caption = _TextSprite(mask, left, height - margin - mask.height, unit * 0.010)

    def paint(self, canvas: Canvas, at: float, seconds: float) -> None:
        self._mark.paint(canvas, 0.72)
        if self._caption is not None:
            opacity = min(
                smoothstep((at + 0.15) / FADE_SECONDS), smoothstep((seconds - at) / FADE_SECONDS)
            )
            self._caption.paint(canvas, 0.96 * opacity)


def wrap(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """Wrap a text into at most three lines, at spaces where there are any."""
    lines: list[str] = []
    rest = text[:400]
    while rest and len(lines) < LINES:
        fits = _characters_that_fit(rest, font, width)
        if fits < len(rest) and len(lines) == LINES - 1:
            shortened = rest[: _characters_that_fit(rest, font, width - font.getlength("…"))]
            return [*lines, shortened.rstrip(" ,.;:") + "…"]
        cut = fits
        if fits < len(rest) and (space := rest.rfind(" ", 0, fits + 1)) > 0:
            cut = space
        lines.append(rest[:cut].strip())
        rest = rest[cut:].strip()
    return lines


def _characters_that_fit(text: str, font: ImageFont.FreeTypeFont, width: float) -> int:
    """Return how many leading characters fit into `width` pixels, at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.getlength(text[:middle]) <= width:
            low = middle
        else:
            high = middle - 1
    return low


def _font(text: str, size: float) -> ImageFont.FreeTypeFont:
    """Return Pillow's own font, or a system font when the text is not in Latin script."""
    if any(0x250 <= ord(character) < 0x2000 or ord(character) >= 0x2070 for character in text):
        for name in WIDE_FONTS:
            for file in sorted(FONTS.rglob(name)):
                return ImageFont.truetype(file, round(size))
    font = ImageFont.load_default(size=round(size))
    assert isinstance(font, ImageFont.FreeTypeFont)
    return font


def _draw(
    lines: list[str], font: ImageFont.FreeTypeFont, leading: float, tracking: float = 0.0
) -> Image.Image:
    """Draw centred lines into a mask with even sides and room for the shadow.

    `tracking` is the space between letters, in font sizes; it suits one line of Latin capitals.
    """
    step, gap = font.size * leading, font.size * tracking
    room = int(font.size)
    longest = max(font.getlength(line) + gap * len(line) for line in lines)
    width, height = int(longest) + 2 * room, int(step * len(lines)) + 2 * room
    mask = Image.new("L", (width + width % 2, height + height % 2))
    brush = ImageDraw.Draw(mask)
    for index, line in enumerate(lines):
        middle = room + step * (index + 0.5)
        if not tracking:
            brush.text((mask.width / 2, middle), line, fill=255, font=font, anchor="mm")
            continue
        left = float(room)
        for character in line:
            brush.text((left, middle), character, fill=255, font=font, anchor="lm")
            left += font.getlength(character) + gap
    return mask
