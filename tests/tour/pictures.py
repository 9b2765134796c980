"""Screenshots: taken, joined in sheets or films, and stored small."""

from io import BytesIO
from typing import Any

from PIL import Image
from playwright.sync_api import Page

from tests.e2e.conftest import ROOT

FOLDER = ROOT / "docs" / "tour"
LARGEST = 60 * 1024
LARGEST_SHEET = 90 * 1024
SIZE = (1280, 860)
FILM_SIZE = (960, 600)
LOADED = """() => document.fonts.status === "loaded" && [...document.images].every(
  (image) => image.complete || image.getBoundingClientRect().top > innerHeight)"""


def keep(picture: Image.Image, name: str, largest: int = LARGEST) -> None:
    """Store a picture in the best quality that fits in so many bytes."""
    for quality in range(84, 20, -6):
        body = BytesIO()
        picture.save(body, "WEBP", quality=quality, method=6)
        if body.tell() <= largest:
            break
    (FOLDER / f"{name}.webp").write_bytes(body.getvalue())
    print(f"{name}: {body.tell() / 1024:.0f} KB, quality {quality}", flush=True)


def seen(page: Page) -> Image.Image:
    """Return what the page shows, without the mark of the focus."""
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_function(LOADED)
    # Players show that they load.
    page.wait_for_timeout(3000 if page.locator("video[controls]").count() else 300)
    return Image.open(BytesIO(page.screenshot())).convert("RGB")


def shoot(page: Page, name: str, height: int = SIZE[1]) -> None:
    page.set_viewport_size({"width": SIZE[0], "height": height})
    keep(seen(page), name)
    page.set_viewport_size({"width": SIZE[0], "height": SIZE[1]})


def shoot_at(page: Page, path: str, name: str, height: int = SIZE[1]) -> None:
    page.goto(path)
    shoot(page, name, height)


def beside(pictures: list[Image.Image], width: int, gap: int = 24) -> Image.Image:
    """Join narrow pictures in one row."""
    small = [each.resize((width, each.height * width // each.width)) for each in pictures]
    sheet = Image.new(
        "RGB",
        ((width + gap) * len(small) + gap, small[0].height + 2 * gap),
        (226, 222, 214),
    )
    for number, each in enumerate(small):
        sheet.paste(each, (gap + number * (width + gap), gap))
    return sheet


class Film:
    """An animated picture of a page, frame by frame."""

    def __init__(self, page: Page) -> None:
        self._page, self._frames, self._times = page, list[Image.Image](), list[int]()

    def frame(self, milliseconds: int = 200) -> None:
        """Take a screenshot that is shown for so long."""
        picture = Image.open(BytesIO(self._page.screenshot())).convert("RGB")
        self._frames.append(picture.resize(FILM_SIZE, Image.Resampling.LANCZOS))
        self._times.append(milliseconds)

    def keep(self, name: str) -> None:
        first, *others = self._frames
        file = FOLDER / f"{name}.webp"
        options: dict[str, Any] = {"quality": 62, "method": 6, "minimize_size": True, "loop": 0}
        first.save(file, save_all=True, append_images=others, duration=self._times, **options)
        print(
            f"{name}: {file.stat().st_size / 1024:.0f} KB, {len(self._frames)} frames", flush=True
        )
