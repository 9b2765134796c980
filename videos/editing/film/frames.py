"""Write the frames of a film as pictures: each one into a ZIP, or some of them on one sheet."""

import math
from collections.abc import Callable
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import av
from PIL import Image, ImageDraw, ImageFont

from videos.editing.film.animations import in_rgb
from videos.editing.film.plan import Film

# A sheet has at most so many frames in rows of so many.
MOST_ON_SHEET, COLUMNS = 20, 4
CELL_SIDE, GAP, LINE = 400, 12, 22
PAPER, INK = (18, 18, 20), (205, 205, 210)
# The time of entries in a ZIP, so that the same frames make the same file.
NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_frames(target: str, film: Film, tell: Callable[[float], None]) -> None:
    """Write every frame as a PNG into a ZIP."""
    with ZipFile(target, "w", ZIP_STORED) as archive:
        for n, picture in enumerate(in_rgb(film, "rgb24")):
            archive.writestr(ZipInfo(f"frame-{n + 1:05d}.png", NO_TIME), _png(picture))
            tell((n + 1) / film.frames)


def _png(picture: Any) -> bytes:
    encoder: Any = av.CodecContext.create("png", "w")
    encoder.width, encoder.height, encoder.pix_fmt = picture.width, picture.height, "rgb24"
    encoder.time_base = picture.time_base
    picture.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(picture), *encoder.encode(None)])


def write_sheet(target: str, film: Film, tell: Callable[[float], None]) -> tuple[int, int]:
    """Write a JPEG with frames at equal distances and their times; return its size."""
    count = min(MOST_ON_SHEET, film.frames)
    wanted = [int((n + 0.5) * film.frames / count) for n in range(count)]
    columns = min(COLUMNS, count)
    rows = math.ceil(count / columns)
    width, height = film.canvas.size
    across = columns * (width + GAP) + GAP
    down = rows * (height + LINE + GAP) + GAP
    sheet = Image.new("RGB", (across, down), PAPER)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    place = 0
    for n, picture in enumerate(in_rgb(film, "rgb24")):
        if place < count and n == wanted[place]:
            x = GAP + place % columns * (width + GAP)
            y = GAP + place // columns * (height + LINE + GAP)
            sheet.paste(picture.to_image(), (x, y))
            seconds = float(n / film.rate)
            said = f"{int(seconds) // 60}:{seconds % 60:05.2f}"
            pen.text((x, y + height + 3), said, INK, font)
            place += 1
        tell((n + 1) / film.frames)
    sheet.save(target, "JPEG", quality=90)
    return sheet.size
