"""Lay a text over every picture of a film, again and again, so that it cannot be cut off."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from PIL import Image, ImageDraw, ImageFont

from videos.editing.film.graphs import Chain, picture_input
from videos.editing.film.pictures import PIXELS
from videos.editing.film.plan import Film

# The letters' height is that of the picture through this, in pixels at least SMALLEST.
ROWS = 14
SMALLEST = 9
GLYPHS, EDGES = (255, 255, 255, 105), (0, 0, 0, 80)
# No font has a letter for this.
NO_GLYPH = "\U0010fffe"


def marked(pictures: Iterator[Any], film: Film, text: str) -> Iterator[Any]:
    """Yield the pictures with the text over them."""
    width, height = film.canvas.size
    inputs = [
        picture_input(width, height, pixels, film.rate, Fraction(1))
        for pixels in (PIXELS, "yuva420p")
    ]
    chain = Chain(inputs, f"overlay=format=yuv420:alpha=straight,format={PIXELS}", "buffersink")
    mark = _frame(draw(text, width, height))
    mark = mark.reformat(format="yuva420p", dst_colorspace="ITU709")
    mark.pts, mark.time_base = 0, 1 / film.rate
    chain.push(mark, 1)
    chain.push(None, 1)
    for n, picture in enumerate(pictures):
        picture.pts, picture.time_base = n, 1 / film.rate
        yield from chain.send(picture)
    chain.push(None)
    yield from chain.pull()


def _frame(picture: Image.Image) -> Any:
    """A frame of a picture; PyAV's own way from a picture to a frame loses what is transparent."""
    frame = av.VideoFrame(picture.width, picture.height, "rgba")
    plane, row = frame.planes[0], picture.width * 4
    body = picture.tobytes()
    pad = bytes(plane.line_size - row)
    rows = (body[at : at + row] + pad for at in range(0, len(body), row))
    plane.update(b"".join(rows))
    return frame


def draw(text: str, width: int, height: int) -> Image.Image:
    """Return the text in staggered rows on a transparent ground of this size."""
    size = max(height // ROWS, SMALLEST)
    font: Any = ImageFont.load_default(size)
    line = f"{drawable(text, font)}   "
    ground = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(ground)
    long = max(round(pen.textlength(line, font=font)), size)
    for row, top in enumerate(range(size, height, size * 4)):
        for left in range(-(long // 2) * (row % 2), width, long):
            at = (left, top)
            pen.text(at, line, GLYPHS, font, stroke_width=1, stroke_fill=EDGES)
    return ground


def drawable(text: str, font: Any) -> str:
    """Return the text without what the font has no letters for, such as Chinese characters."""
    empty = bytes(font.getmask(NO_GLYPH))
    return " ".join("".join(c for c in text if bytes(font.getmask(c)) != empty).split())
