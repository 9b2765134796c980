"""Draw the visible mark of videos that AI has made, in the language of their owner.

The four characters that no font of ours has are drawn by strokes.
"""

from functools import lru_cache
from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from accounts.models import User

# How high a line is drawn, in pixels; it is made smaller for a film.
HEIGHT = 160
TEXT_HEIGHT = 112
STROKE = 9
GAP = 14
TEXTS = {
    User.Language.ENGLISH.value: "AI-generated",
    User.Language.SIMPLIFIED_CHINESE.value: "AI生成",
    User.Language.TRADITIONAL_CHINESE.value: "AI生成",
    User.Language.JAPANESE.value: "AI生成",
    User.Language.KOREAN.value: "AI 생성",
}
Point = tuple[int, int]


class Ring(NamedTuple):
    """A circle of a character, by its centre and its radius."""

    centre: Point
    radius: int


# The strokes of a character on a square of 100.
STROKES: dict[str, list[list[Point]]] = {
    "生": [
        [(30, 10), (14, 40)],
        [(22, 29), (86, 29)],
        [(51, 8), (51, 91)],
        [(24, 59), (80, 59)],
        [(8, 91), (94, 91)],
    ],
    "成": [
        [(18, 28), (90, 28)],
        [(18, 28), (18, 62), (8, 93)],
        [(20, 51), (44, 51), (42, 79), (31, 77)],
        [(55, 9), (62, 58), (77, 87), (92, 89), (94, 72)],
        [(84, 45), (67, 70), (46, 92)],
        [(70, 9), (82, 19)],
    ],
    "생": [
        [(31, 10), (9, 52)],
        [(25, 24), (48, 52)],
        [(61, 7), (61, 54)],
        [(61, 30), (83, 30)],
        [(83, 4), (83, 58)],
    ],
    "성": [
        [(33, 10), (9, 52)],
        [(27, 24), (50, 52)],
        [(54, 29), (79, 29)],
        [(79, 4), (79, 57)],
    ],
}
RINGS = {"생": Ring((52, 78), 17), "성": Ring((55, 78), 17)}


@lru_cache(maxsize=8)
def draw(language: str) -> bytes:
    """Return the mark as a PNG: white letters on a dark, half transparent ground."""
    parts = [_drawn(part) for part in _parts(TEXTS.get(language, TEXTS["en"]))]
    width = sum(part.width for part in parts) + GAP * (len(parts) - 1) + 2 * GAP * 2
    picture = Image.new("RGBA", (width, HEIGHT), (0, 0, 0, 0))
    ground = ImageDraw.Draw(picture)
    ground.rounded_rectangle((0, 0, width - 1, HEIGHT - 1), HEIGHT // 5, fill=(0, 0, 0, 150))
    at = GAP * 2
    for part in parts:
        white = Image.new("RGBA", part.size, (255, 255, 255, 255))
        picture.paste(white, (at, (HEIGHT - part.height) // 2), part)
        at += part.width + GAP
    body = BytesIO()
    picture.save(body, "PNG")
    return body.getvalue()


def _parts(text: str) -> list[str]:
    """The words in letters, and each character that is drawn by strokes."""
    found: list[str] = []
    for each in text:
        if each in STROKES or not found or found[-1] in STROKES:
            found.append(each)
        else:
            found[-1] += each
    return found


def _drawn(part: str) -> Image.Image:
    """A part of the text as a mask."""
    if part in STROKES:
        return _by_strokes(part)
    font = ImageFont.load_default(TEXT_HEIGHT)
    left, top, right, bottom = font.getbbox(part)
    mask = Image.new("L", (round(right - left), round(bottom - top)), 0)
    ImageDraw.Draw(mask).text((-left, -top), part, fill=255, font=font, stroke_width=1)
    return mask


def _by_strokes(character: str) -> Image.Image:
    mask = Image.new("L", (TEXT_HEIGHT, TEXT_HEIGHT), 0)
    pen = ImageDraw.Draw(mask)
    scale = TEXT_HEIGHT / 100
    for stroke in STROKES[character]:
        points = [(x * scale, y * scale) for x, y in stroke]
        pen.line(points, fill=255, width=STROKE, joint="curve")
        for x, y in points:
            half = STROKE / 2
            pen.ellipse((x - half, y - half, x + half, y + half), fill=255)
    if character in RINGS:
        (x, y), radius = RINGS[character]
        outer = (x - radius) * scale, (y - radius) * scale
        pen.ellipse((*outer, (x + radius) * scale, (y + radius) * scale), outline=255, width=STROKE)
    return mask
