"""An engine gets the pixels that a browser shows, laid on white, whatever the file holds."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, ImageCms
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import upload
from videos.jobs import moderation
from videos.media import engine_images, images, pixels, uploads
from videos.models import Upload, Video

SIDE = 64
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
WHITE, BLACK, MAGENTA, GREEN = (255, 255, 255), (0, 0, 0), (255, 0, 255), (0, 128, 0)
Colour = tuple[int, ...]


def png(kind: int, depth: int, left: Colour, right: Colour, **chunks: bytes) -> bytes:
    """Write a PNG whose halves have these samples; Pillow cannot write most kinds."""

    def chunk(name: bytes, body: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + body))
        return struct.pack(">I", len(body)) + name + body + checksum

    samples = (*left * (SIDE // 2), *right * (SIDE // 2))
    bits = "".join(format(sample, f"0{depth}b") for sample in samples)
    row = b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big")
    head = struct.pack(">IIBBBBB", SIDE, SIDE, depth, kind, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", head),
            *(chunk(name.encode(), body) for name, body in chunks.items()),
            chunk(b"IDAT", zlib.compress(row * SIDE)),
            chunk(b"IEND", b""),
        ]
    )


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    body = BytesIO()
    image.save(body, format, **options)
    return body.getvalue()


def halves(left: Colour, right: Colour, format: str, **options: object) -> bytes:
    """A file of another format whose halves have these colours, with alpha if they have it."""
    image = Image.new("RGBA" if len(left) == 4 else "RGB", (SIDE, SIDE), left)
    image.paste(right, (SIDE // 2, 0, SIDE, SIDE))
    return saved(image, format, **options)


def halves_of(body: bytes) -> list[list[int]]:
    """The colours of both halves."""
    with Image.open(BytesIO(body)) as image:
        assert image.mode == "RGB"
        pixels_of = image.convert("RGB").load()
        assert pixels_of is not None
        found = [pixels_of[x, image.height // 2] for x in (2, image.width - 3)]
    return [list(map(int, colour)) for colour in found]  # type: ignore[arg-type]


def near(*colours: Colour) -> list[object]:
    """These colours, within the two levels by which a JPEG may change them."""
    return [pytest.approx(list(colour), abs=2) for colour in colours]


def stored(user: User, body: bytes) -> Upload:
    return uploads.store_image(user, upload(body))


def sent_as_frame(image: Upload) -> bytes:
    return engine_images.frame(image, f"{SIDE}x{SIDE}").open().read()


def sent_as_reference(image: Upload) -> bytes:
    return engine_images.reference(image).open().read()


PICTURES = {
    "grey of 1 bit": (png(GREY, 1, (0,), (1,)), BLACK, WHITE),
    "grey of 2 bits": (png(GREY, 2, (1,), (2,)), (85,) * 3, (170,) * 3),
    "grey of 4 bits": (png(GREY, 4, (3,), (15,)), (51,) * 3, WHITE),
    "grey of 16 bits": (png(GREY, 16, (0x40FF,), (0xC000,)), (64,) * 3, (192,) * 3),
    "clear grey of 1 bit": (png(GREY, 1, (0,), (1,), tRNS=b"\0\0"), WHITE, WHITE),
    "clear grey of 2 bits": (png(GREY, 2, (1,), (2,), tRNS=b"\0\1"), WHITE, (170,) * 3),
    "clear grey of 4 bits": (png(GREY, 4, (3,), (7,), tRNS=b"\0\3"), WHITE, (119,) * 3),
    "clear grey of 8 bits": (png(GREY, 8, (3,), (7,), tRNS=b"\0\3"), WHITE, (7,) * 3),
    "clear grey of 16 bits": (
        png(GREY, 16, (0x4000,), (0x4001,), tRNS=b"\x40\0"), WHITE, (64,) * 3,
    ),
    "grey with alpha of 16 bits": (png(GREY_ALPHA, 16, (0, 0), (0, 0x8000)), WHITE, (127,) * 3),
    "colour of 16 bits": (png(RGB, 16, (0x80FF, 0, 0), (0, 0x8000, 0)), (128, 0, 0), GREEN),
    "clear colour of 8 bits": (png(RGB, 8, MAGENTA, GREEN, tRNS=b"\0\xff\0\0\0\xff"), WHITE, GREEN),
    "clear colour of 16 bits": (
        png(RGB, 16, (0x80FF, 0, 0x1234), (0, 0x8000, 0), tRNS=b"\x80\xff\0\0\x12\x34"),
        WHITE, GREEN,
    ),
    "clear palette entry": (
        png(PALETTE, 8, (0,), (1,), PLTE=bytes((*MAGENTA, *GREEN)), tRNS=b"\0"), WHITE, GREEN,
    ),
    "soft palette entry": (
        png(PALETTE, 1, (0,), (1,), PLTE=bytes((*MAGENTA, *BLACK)), tRNS=b"\0\x80"),
        WHITE, (127,) * 3,
    ),
    "hidden magenta": (png(RGBA, 8, (*MAGENTA, 0), (*GREEN, 255)), WHITE, GREEN),
    "hidden black": (png(RGBA, 8, (*BLACK, 0), (*BLACK, 51)), WHITE, (204,) * 3),
    "hidden magenta of 16 bits": (
        png(RGBA, 16, (0xFFFF, 0, 0xFFFF, 0), (0, 0x8000, 0, 0xFFFF)), WHITE, GREEN,
    ),
    "hidden magenta in WebP": (
        halves((*MAGENTA, 0), (*GREEN, 255), "WEBP", lossless=True, exact=True), WHITE, GREEN,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PICTURES)
def test_engine_gets_what_a_browser_shows_when_the_picture_is(alice: User, name: str) -> None:
    body, left, right = PICTURES[name]
    image = stored(alice, body)
    assert halves_of(sent_as_frame(image)) == near(left, right)
    if image.content_type == "image/png":
        assert halves_of(sent_as_reference(image)) == near(left, right)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "JPEG"])
def test_reference_without_transparency_is_sent_as_it_is_stored(alice: User, format: str) -> None:
    image = stored(alice, halves(GREEN, BLACK, format))
    with image.file.open("rb") as kept, engine_images.reference(image).open() as sent:
        assert sent.read() == kept.read()


def test_large_reference_is_laid_on_white_when_it_is_transparent(alice: User) -> None:
    with Image.open(BytesIO(halves((*MAGENTA, 0), (*BLACK, 255), "PNG"))) as small:
        image = stored(alice, saved(small.resize((2100, 60), Image.Resampling.NEAREST), "PNG"))
    assert halves_of(sent_as_reference(image)) == near(WHITE, BLACK)


def test_transparency_is_kept_when_a_picture_is_stored(alice: User) -> None:
    image = stored(alice, png(RGBA, 8, (*MAGENTA, 0), (*GREEN, 255)))
    with image.file.open("rb") as file, Image.open(file) as kept:
        assert (kept.mode, kept.getpixel((2, 2))) == ("RGBA", (*MAGENTA, 0))


def test_content_check_sees_the_picture_on_white_when_it_is_transparent(alice: User) -> None:
    image = stored(alice, png(RGBA, 8, (*MAGENTA, 0), (*BLACK, 255)))
    assert halves_of(moderation._preview(image)) == near(WHITE, BLACK)


def profile_with_red_and_blue_exchanged() -> bytes:
    """A colour profile in which red is blue, made from the one of sRGB."""
    known = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    names = known.replace(b"rXYZ", b"____").replace(b"bXYZ", b"rXYZ").replace(b"____", b"bXYZ")
    return names.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_colours_are_those_of_the_embedded_profile_when_there_is_one(
    alice: User, format: str
) -> None:
    profile = profile_with_red_and_blue_exchanged()
    image = stored(alice, halves((255, 0, 0), (0, 0, 255), format, icc_profile=profile))
    strongest = [colour.index(max(colour)) for colour in halves_of(sent_as_frame(image))]
    assert strongest == [2, 0]


@pytest.mark.parametrize("profile", [b"no profile", b""])
def test_profile_is_ignored_when_it_cannot_be_read(alice: User, profile: bytes) -> None:
    image = stored(alice, halves(BLACK, WHITE, "PNG", icc_profile=profile))
    assert halves_of(sent_as_frame(image)) == near(BLACK, WHITE)


def test_picture_stands_upright_when_its_16_bits_lie_on_their_side(alice: User) -> None:
    turned = Image.Exif()
    turned[0x0112] = 3  # upside down
    body = png(GREY, 16, (0,), (0xFFFF,), eXIf=turned.tobytes().removeprefix(b"Exif\0\0"))
    assert halves_of(sent_as_frame(stored(alice, body))) == near(WHITE, BLACK)


def test_photo_of_48_megapixels_is_kept_at_half_its_size(alice: User) -> None:
    body = saved(Image.new("L", (8064, 6048), 99), "JPEG", quality=50)
    image = stored(alice, body)
    assert (image.width, image.height) == (4032, 3024)
    assert halves_of(sent_as_frame(image)) == near((99,) * 3, (99,) * 3)


def test_photo_is_refused_when_it_has_more_than_70_megapixels(api: APIClient) -> None:
    body = bytearray(saved(Image.new("L", (64, 64)), "JPEG"))
    at = body.index(b"\xff\xc0") + 5
    body[at : at + 4] = struct.pack(">HH", 8000, 9000)
    sent = {"prompt": "A boat", "input_reference": upload(bytes(body), "a.jpg")}
    answer = api.post("/api/videos", sent)
    assert (answer.status_code, answer.json()["detail"], Video.objects.count()) == (
        400, "The image has more than 70 megapixels.", 0,
    )  # fmt: skip


def test_pixels_are_not_copied_when_nothing_has_to_change() -> None:
    body = BytesIO(halves(GREEN, BLACK, "PNG"))
    with images.decoded(body) as image:
        assert pixels.on_background(image) is image
