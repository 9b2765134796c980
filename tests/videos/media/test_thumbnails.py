"""Thumbnails and spritesheets that are drawn from unusual films."""

import struct
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import IO

import av
import pytest
from PIL import Image

from accounts.models import User
from tests.videos.conftest import order
from videos.engines.base import Variant
from videos.engines.errors import NotReady
from videos.media import frames, thumbnails


class NoImages:
    """An engine that has the video only."""

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        raise NotReady("no such variant")


def film(path: Path, count: int, options: Mapping[str, str] | None = None) -> Path:
    """A film of 24 frames a second; the brightness of each is its number."""
    with av.open(path, "w", format="mp4", options=dict(options or {})) as container:
        stream = container.add_stream("libx264", rate=24, options={"g": "12", "crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        for n in range(count):
            image = Image.new("RGB", (64, 36), (40 + n, 40 + n, 40 + n))
            frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def drawn(alice: User, path: Path, variant: Variant = Variant.SPRITESHEET) -> Image.Image:
    body = thumbnails.fetch_or_draw(NoImages(), order(alice), variant, str(path))  # type: ignore[arg-type]
    return Image.open(BytesIO(body))


def numbers(sheet: Image.Image) -> list[int]:
    """The numbers of the frames in the twelve tiles."""
    found = []
    for n in range(12):
        pixel = sheet.getpixel((n % 4 * 320 + 160, n // 4 * 180 + 90))
        assert isinstance(pixel, tuple)
        found.append(int(pixel[1]) - 40)
    return found


def is_near(found: list[int], wanted: list[int]) -> bool:
    return len(found) == len(wanted) and all(
        abs(one - other) <= 2 for one, other in zip(found, wanted, strict=True)
    )


EVEN = [4 + 8 * n for n in range(12)]  # in the middle of each twelfth of 96 frames


@pytest.mark.parametrize(
    "options",
    [{}, {"movflags": "+frag_keyframe+empty_moov"}],
    ids=["usual", "fragmented"],
)
def test_sheet_covers_the_whole_film_when_it_is_fragmented(
    alice: User, tmp_path: Path, options: dict[str, str]
) -> None:
    sheet = drawn(alice, film(tmp_path / "film.mp4", 96, options))
    assert is_near(numbers(sheet), EVEN)


def trimmed(path: Path, first: int, count: int) -> Path:
    """The film with an edit list that shows `count` frames from `first` on."""
    body = bytearray(film(path, 96).read_bytes())
    scale_at = body.index(b"mvhd") + 16
    scale = int.from_bytes(body[scale_at : scale_at + 4], "big")
    media_at = body.index(b"mdhd") + 16
    media = int.from_bytes(body[media_at : media_at + 4], "big")
    at = body.index(b"elst") + 12
    start = int.from_bytes(body[at + 4 : at + 8], "big")
    entry = (scale * count // 24, start + media * first // 24)
    body[at : at + 8] = struct.pack(">II", *entry)
    path.write_bytes(body)
    return path


def test_sheet_has_no_black_tiles_when_the_film_is_trimmed(alice: User, tmp_path: Path) -> None:
    sheet = drawn(alice, trimmed(tmp_path / "film.mp4", 24, 48))
    assert is_near(numbers(sheet), [26 + 4 * n for n in range(12)])


def test_every_tile_is_the_frame_when_the_film_has_only_one(alice: User, tmp_path: Path) -> None:
    assert is_near(numbers(drawn(alice, film(tmp_path / "film.mp4", 1))), [0] * 12)


MATRICES = {
    "clockwise": (0, 1, -1, 0),
    "half": (-1, 0, 0, -1),
    "counterclockwise": (0, -1, 1, 0),
    "mirrored": (-1, 0, 0, 1),
}
# The corner in which the mark is shown that is at the top left of the frames.
SHOWN_AT = {
    "clockwise": (1, 0),
    "half": (1, 1),
    "counterclockwise": (0, 1),
    "mirrored": (1, 0),
}


@pytest.mark.parametrize("turn", MATRICES)
def test_images_are_turned_when_the_film_is(alice: User, tmp_path: Path, turn: str) -> None:
    path = tmp_path / "film.mp4"
    image = Image.new("RGB", (64, 32), "black")
    image.paste("white", (0, 0, 32, 16))
    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 32, "yuv420p"
        for _ in range(4):
            frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    body = bytearray(path.read_bytes())
    at = body.index(b"tkhd") + 4 + 40
    a, b, c, d = (0x10000 * number for number in MATRICES[turn])
    body[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 0x40000000)
    path.write_bytes(body)
    upright = turn in {"half", "mirrored"}
    thumbnail = drawn(alice, path, Variant.THUMBNAIL)
    sheet = drawn(alice, path)
    assert (thumbnail.size, sheet.size) == (
        ((64, 32), (320 * 4, 160 * 3)) if upright else ((32, 64), (320 * 4, 640 * 3))
    )
    with path.open("rb") as file:
        taken = frames.frame_at(file, 0)
    for shown in (thumbnail, taken):
        assert corner_of_mark(shown) == SHOWN_AT[turn]


def corner_of_mark(image: Image.Image) -> tuple[int, int]:
    """The brightest quarter of an image: (0, 0) is the top left."""
    small = image.convert("L").resize((2, 2), Image.Resampling.BOX)
    return max(((x, y) for x in (0, 1) for y in (0, 1)), key=lambda at: _brightness(small, at))


def _brightness(image: Image.Image, at: tuple[int, int]) -> int:
    value = image.getpixel(at)
    assert isinstance(value, int)
    return value
