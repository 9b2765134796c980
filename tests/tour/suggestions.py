"""`python -m tests.tour.suggestions`: draw the pictures of styles and moves in static/prompts.

They are drawn from the posters of the sandbox's sample clips.
"""

import random
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "static" / "prompts"
SIZE = (256, 144)
LINE = 5
Picture = Image.Image


def poster(name: str, height: float = 0.5) -> Picture:
    """A poster without its corner mark; `height` is where a tall one is cut, 0 is its top."""
    found = Image.open(ROOT / "static" / "samples" / f"{name}.webp").convert("RGB")
    return ImageOps.fit(found, (SIZE[0] * 2, SIZE[1] * 2), bleed=0.06, centering=(0.5, height))


def small(picture: Picture) -> Picture:
    return picture.resize(SIZE, Image.Resampling.LANCZOS)


# ---- styles ----


def grain(picture: Picture, strength: int) -> Picture:
    noise = Image.effect_noise(picture.size, strength).convert("RGB")
    return ImageChops.overlay(picture, noise)


def vignette(picture: Picture) -> Picture:
    edge = Image.radial_gradient("L").resize(picture.size)
    return Image.composite(ImageEnhance.Brightness(picture).enhance(0.35), picture, edge)


def tint(picture: Picture, dark: str, light: str) -> Picture:
    return ImageOps.colorize(ImageOps.grayscale(picture), dark, light)


def film() -> Picture:
    warm = Image.blend(poster("harbour"), tint(poster("harbour"), "#2b1a3d", "#ffe0b0"), 0.3)
    return small(grain(ImageEnhance.Contrast(warm).enhance(1.1), 60))


def black_and_white() -> Picture:
    grey = ImageOps.autocontrast(ImageOps.grayscale(poster("mountains")), cutoff=2)
    return small(grey.convert("RGB"))


def super_8() -> Picture:
    faded = Image.blend(poster("dunes"), tint(poster("dunes"), "#4a2a14", "#ffdf9a"), 0.7)
    return small(vignette(grain(faded.filter(ImageFilter.GaussianBlur(2)), 90)))


def watercolour() -> Picture:
    flat = poster("lavender").filter(ImageFilter.MedianFilter(9)).filter(ImageFilter.ModeFilter(9))
    pale = Image.blend(flat, Image.new("RGB", flat.size, "white"), 0.35)
    paper = Image.effect_noise(flat.size, 30).filter(ImageFilter.GaussianBlur(1)).convert("RGB")
    return small(ImageChops.soft_light(pale, paper))


def oil() -> Picture:
    strokes = poster("balloons", 0.25).filter(ImageFilter.ModeFilter(13))
    relief = ImageOps.grayscale(strokes).filter(ImageFilter.EMBOSS).convert("RGB")
    return small(ImageEnhance.Color(ImageChops.overlay(strokes, relief)).enhance(1.4))


def pencil() -> Picture:
    grey = ImageOps.grayscale(ImageOps.autocontrast(poster("cabin")))
    soft = ImageOps.invert(grey).filter(ImageFilter.GaussianBlur(8))
    lines = Image.eval(ImageChops.add(grey, soft), lambda v: max(0, 255 - (255 - v) * 5))
    return small(grain(lines.convert("RGB"), 25))


def paper() -> Picture:
    layers = poster("mountains").filter(ImageFilter.MedianFilter(11)).quantize(7).convert("RGB")
    edges = ImageOps.grayscale(layers).filter(ImageFilter.FIND_EDGES)
    shadow = ImageOps.invert(edges.filter(ImageFilter.GaussianBlur(3))).convert("RGB")
    return small(ImageChops.multiply(ImageEnhance.Color(layers).enhance(1.6), shadow))


def pixels() -> Picture:
    tiny = ImageEnhance.Color(poster("lanterns")).enhance(1.5).resize((48, 27))
    return tiny.quantize(20).convert("RGB").resize(SIZE, Image.Resampling.NEAREST)


def golden_hour() -> Picture:
    glow = tint(ImageOps.autocontrast(poster("cabin"), cutoff=1), "#3a1208", "#ffc65c")
    sun = Image.radial_gradient("L").resize((700, 700)).crop((94, 206, 606, 494))
    return small(Image.composite(glow, Image.new("RGB", glow.size, "#ffd98a"), sun))


def moonlight() -> Picture:
    cold = tint(ImageEnhance.Brightness(poster("cabin")).enhance(0.7), "#040a1e", "#b9d2ff")
    ImageDraw.Draw(cold).ellipse((400, 40, 440, 80), fill="#f4f7ff")
    return small(cold.filter(ImageFilter.GaussianBlur(1)))


def fog() -> Picture:
    white = Image.linear_gradient("L").resize((SIZE[0] * 2, SIZE[1] * 2))
    veil = Image.new("RGB", white.size, "#dfe6ea")
    haze = Image.eval(white, lambda v: 90 + v // 2)
    return small(Image.composite(veil, poster("cabin").filter(ImageFilter.GaussianBlur(2)), haze))


def rain() -> Picture:
    blurred = poster("neon", 0.85).filter(ImageFilter.GaussianBlur(10))
    sharp, drops = poster("neon", 0.85), Image.new("L", blurred.size)
    draw, chance = ImageDraw.Draw(drops), random.Random(3)
    for _ in range(110):
        x, y, r = chance.randrange(512), chance.randrange(288), chance.uniform(2, 8)
        draw.ellipse((x - r, y - r, x + r, y + r * 1.4), fill=230)
    return small(Image.composite(ImageOps.mirror(sharp), blurred, drops))


# ---- camera moves: a frame, and where it goes ----


def arrow(draw: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float]) -> None:
    """A white line with a head at its end."""
    (x, y), (u, v) = start, end
    length = ((u - x) ** 2 + (v - y) ** 2) ** 0.5
    dx, dy = (u - x) / length * 22, (v - y) / length * 22
    draw.line((x, y, u, v), "white", LINE)
    for side in (-0.7, 0.7):
        draw.line((u, v, u - dx - dy * side, v - dy + dx * side), "white", LINE)


def move(name: str, draw_on: Callable[[ImageDraw.ImageDraw], None]) -> Picture:
    """The poster, darker, with what the camera does drawn in white."""
    picture = ImageEnhance.Brightness(poster(name)).enhance(0.62)
    draw_on(ImageDraw.Draw(picture))
    return small(picture)


def frame(draw: ImageDraw.ImageDraw, inset: int) -> None:
    box = (inset * 1.78, inset, 512 - inset * 1.78, 288 - inset)
    draw.rounded_rectangle(box, 8, outline="white", width=LINE)


def static(draw: ImageDraw.ImageDraw) -> None:
    frame(draw, 60)


def dolly_in(draw: ImageDraw.ImageDraw) -> None:
    frame(draw, 95)
    for x, y in ((30, 30), (482, 30), (30, 258), (482, 258)):
        arrow(draw, (x, y), (256 + (x - 256) * 0.6, 144 + (y - 144) * 0.6))


def dolly_out(draw: ImageDraw.ImageDraw) -> None:
    frame(draw, 95)
    for x, y in ((30, 30), (482, 30), (30, 258), (482, 258)):
        arrow(draw, (256 + (x - 256) * 0.55, 144 + (y - 144) * 0.55), (x, y))


def pan_left(draw: ImageDraw.ImageDraw) -> None:
    arrow(draw, (400, 144), (112, 144))


def pan_right(draw: ImageDraw.ImageDraw) -> None:
    arrow(draw, (112, 144), (400, 144))


def tilt_up(draw: ImageDraw.ImageDraw) -> None:
    arrow(draw, (256, 240), (256, 48))


def drone(draw: ImageDraw.ImageDraw) -> None:
    draw.arc((60, 60, 420, 420), 180, 262, "white", LINE)
    arrow(draw, (205, 63), (262, 58))
    for x in (330, 390):
        draw.ellipse((x - 22, 52, x + 22, 64), outline="white", width=LINE)
    draw.line((330, 58, 390, 58), "white", LINE)
    draw.rounded_rectangle((346, 58, 374, 82), 6, fill="white")


def orbit(draw: ImageDraw.ImageDraw) -> None:
    draw.arc((96, 84, 416, 204), -20, 300, "white", LINE)
    arrow(draw, (400, 108), (412, 132))
    draw.ellipse((240, 128, 272, 160), fill="white")


def handheld(draw: ImageDraw.ImageDraw) -> None:
    for x, y in ((0, 0), (16, 10), (-14, 14)):
        draw.rounded_rectangle((130 + x, 62 + y, 382 + x, 204 + y), 8, outline="white", width=3)


def time_lapse(draw: ImageDraw.ImageDraw) -> None:
    draw.ellipse((192, 80, 320, 208), outline="white", width=LINE)
    draw.line((256, 144, 256, 100), "white", LINE)
    draw.line((256, 144, 292, 144), "white", LINE)
    arrow(draw, (340, 144), (440, 144))


def rack_focus() -> Picture:
    sharp = poster("lanterns")
    return small(
        Image.composite(
            sharp,
            sharp.filter(ImageFilter.GaussianBlur(12)),
            Image.linear_gradient("L")
            .rotate(90)
            .resize(sharp.size)
            .point(lambda v: 255 * (v > 128)),
        )
    )


def macro() -> Picture:
    close = (
        poster("lavender").crop((200, 170, 312, 233)).resize((512, 288), Image.Resampling.BICUBIC)
    )
    edge = Image.radial_gradient("L").resize(close.size)
    return small(Image.composite(close.filter(ImageFilter.GaussianBlur(10)), close, edge))


PICTURES: dict[str, Callable[[], Picture]] = {
    "film": film,
    "black-and-white": black_and_white,
    "super-8": super_8,
    "watercolour": watercolour,
    "oil": oil,
    "pencil": pencil,
    "paper": paper,
    "pixels": pixels,
    "golden-hour": golden_hour,
    "moonlight": moonlight,
    "fog": fog,
    "rain": rain,
    "static": lambda: move("mountains", static),
    "dolly-in": lambda: move("cabin", dolly_in),
    "dolly-out": lambda: move("cabin", dolly_out),
    "pan-left": lambda: move("harbour", pan_left),
    "pan-right": lambda: move("harbour", pan_right),
    "tilt-up": lambda: move("forest", tilt_up),
    "drone": lambda: move("dunes", drone),
    "orbit": lambda: move("lavender", orbit),
    "handheld": lambda: move("neon", handheld),
    "rack-focus": rack_focus,
    "macro": macro,
    "time-lapse": lambda: move("aurora", time_lapse),
}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, draw_it in PICTURES.items():
        draw_it().save(FOLDER / f"{name}.webp", quality=60, method=6)


if __name__ == "__main__":
    main()
