"""Files that are accepted as reference images and finished videos, and how they are stored."""

import random
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import av
import pytest
from django.conf import LazySettings
from django.core.files.storage import default_storage
from PIL import Image

from accounts.models import User
from billing.ledger import credits
from tests.conftest import ServerThread
from tests.videos.conftest import clip, order, picture, reloaded, running, upload
from tests.videos.full_disk import FullDisk
from videos.engines.base import Variant
from videos.engines.errors import BadAnswer, NotReady
from videos.media import engine_images, upload_checks, uploads
from videos.media import files as media_files
from videos.models import Upload, Video

Finish = Callable[[Video], Video]


# ---- reference images ----


def stored_image(upload: Upload) -> Image.Image:
    return Image.open(BytesIO(Path(upload.file.path).read_bytes()))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_metadata_is_dropped_when_an_image_is_stored(alice: User, format: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825)[1] = "SECRET-NORTH"
    extras: dict[str, Any] = {"exif": exif, "icc_profile": b"SECRET-PROFILE", "xmp": b"SECRET-XMP"}
    if format == "JPEG":
        extras["comment"] = b"SECRET-COMMENT"
    body = picture(format, **extras) + b"SECRET-TAIL"
    assert body.count(b"SECRET") >= 3
    kept = uploads.store_image(alice, upload(body, f"a.{format.lower()}"))
    stored = Path(kept.file.path).read_bytes()
    assert b"SECRET" not in stored
    assert len(stored) == kept.size_bytes
    assert set(stored_image(kept).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_image_is_rotated_when_its_orientation_says_so(alice: User) -> None:
    image = Image.new("RGB", (40, 20), "blue")
    image.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was rotated by 90 degrees
    body = BytesIO()
    image.save(body, "JPEG", exif=exif, quality=95)
    kept = uploads.store_image(alice, upload(body.getvalue()))
    assert (kept.width, kept.height) == (20, 40)
    shown = stored_image(kept).convert("RGB")
    top, bottom = shown.getpixel((10, 5)), shown.getpixel((10, 35))
    assert isinstance(top, tuple)
    assert isinstance(bottom, tuple)
    assert top[0] > 200
    assert bottom[2] > 200


@pytest.mark.parametrize(
    ("mode", "stored"), [("RGBA", "RGBA"), ("LA", "RGBA"), ("L", "RGB"), ("P", "RGB"), ("1", "RGB")]
)
def test_transparency_is_kept(alice: User, mode: str, stored: str) -> None:
    body = BytesIO()
    Image.new(mode, (40, 30)).save(body, "PNG")
    kept = uploads.store_image(alice, upload(body.getvalue()))
    assert stored_image(kept).mode == stored
    assert kept.content_type == ("image/png" if stored == "RGBA" else "image/jpeg")


@pytest.mark.parametrize("size", ["1280x720", "720x1280", "1792x1024"])
@pytest.mark.parametrize("shape", [(40, 30), (30, 40), (1280, 720), (3, 900)])
def test_first_frame_has_the_exact_size_when_sent(
    alice: User, size: str, shape: tuple[int, int]
) -> None:
    frame = engine_images.frame(uploads.store_image(alice, upload(picture(size=shape))), size)
    with frame.open() as file, Image.open(file) as image:
        assert ("{}x{}".format(*image.size), image.mode, image.format) == (size, "RGB", "PNG")
    assert (frame.name, frame.content_type) == ("boat.png", "image/png")


@pytest.mark.parametrize(
    ("shape", "sent"),
    [((300, 900), (300, 900)), ((3000, 1000), (2048, 683)), ((1000, 4096), (500, 2048))],
)
def test_reference_image_is_sent_whole_and_scaled_down_only_when_it_is_huge(
    alice: User, shape: tuple[int, int], sent: tuple[int, int]
) -> None:
    kept = uploads.store_image(alice, upload(picture(size=shape)))
    reference = engine_images.reference(kept)
    with reference.open() as file, Image.open(file) as image:
        assert (image.size, image.format) == (sent, "JPEG")
    assert (reference.name, reference.content_type) == ("boat.jpg", "image/jpeg")


def test_first_frame_keeps_the_middle_when_cropped(alice: User) -> None:
    image = Image.new("RGB", (300, 100), "red")
    image.paste("blue", (100, 0, 200, 100))
    body = BytesIO()
    image.save(body, "PNG")
    kept = uploads.store_image(alice, upload(body.getvalue()))
    with engine_images.frame(kept, "720x1280").open() as file, Image.open(file) as frame:
        pixel = frame.getpixel((360, 640))
    assert isinstance(pixel, tuple)
    assert pixel[2] > 200


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")  # Pillow's own
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_image_is_stored_or_refused_when_its_bytes_are_damaged(alice: User, format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = picture(format, size=(9, 7), exif=exif)
    dice = random.Random(format)
    for _ in range(120):
        body = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            body[dice.randrange(4, len(body))] = dice.randrange(256)
        try:
            uploads.store_image(alice, upload(bytes(body)))
        except upload_checks.BadImage:
            pass


# ---- finished videos ----


class Engine:
    """An engine with exactly these files."""

    name = "sandbox"

    def __init__(self, files: dict[Variant, bytes]) -> None:
        self.files = files

    def download(self, job_id: str, variant: Variant, to: IO[bytes]) -> None:
        if variant not in self.files:
            raise NotReady("no such variant")
        to.write(self.files[variant])


def checked(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "film"
    path.write_bytes(body)
    media_files.check_mp4(str(path))


@pytest.mark.parametrize("audio", [True, False])
def test_mp4_is_accepted_when_complete(tmp_path: Path, audio: bool) -> None:
    checked(tmp_path, clip(audio=audio))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00" * 4096,
        b"<!doctype html><title>Just a moment...</title>",
        b'{"error": "expired"}',
        b"\x00\x00\x00\x20ftypisom",
        b"\x00\x00\x00\x20ftypisom" + b"x" * 4096,
        picture("JPEG"),
        clip(video=False, audio=True),
        clip(frames=48)[:-400],
        clip(frames=48)[: len(clip(frames=48)) // 2],
    ],
    ids=["empty", "zeros", "html", "json", "bare head", "noise", "jpeg", "audio", "cut", "half"],
)
def test_file_is_refused_when_it_is_not_a_complete_mp4(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(BadAnswer):
        checked(tmp_path, body)


def test_truncated_mp4_is_refused_when_its_index_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "fast.mp4"
    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 36, "yuv420p"
        noise = random.Random(5)
        for _ in range(48):
            image = Image.frombytes("RGB", (64, 36), noise.randbytes(64 * 36 * 3))
            frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    whole = path.read_bytes()
    checked(tmp_path, whole)
    for share in (0.3, 0.6, 0.9):
        with pytest.raises(BadAnswer):
            checked(tmp_path, whole[: int(len(whole) * share)])


def test_thumbnail_of_the_engine_is_stored_when_it_has_one(alice: User, mp4: bytes) -> None:
    video = running(order(alice))
    files = {
        Variant.VIDEO: mp4,
        Variant.THUMBNAIL: picture("WEBP", (2000, 1000)),
        Variant.SPRITESHEET: picture("JPEG", (800, 300)),
    }
    saved = media_files.fetch_result(Engine(files), video)  # type: ignore[arg-type]
    assert default_storage.open(saved.file).read() == mp4
    with Image.open(default_storage.open(saved.thumbnail)) as image:
        assert (image.format, image.size) == ("WEBP", (960, 480))
    with Image.open(default_storage.open(saved.spritesheet)) as image:
        assert (image.format, image.size) == ("JPEG", (800, 300))


@pytest.mark.parametrize("given", [{}, {Variant.THUMBNAIL: b"<html>", Variant.SPRITESHEET: b""}])
def test_thumbnail_is_made_from_the_video_when_the_engine_has_none(
    alice: User, mp4: bytes, given: dict[Variant, bytes]
) -> None:
    saved = media_files.fetch_result(Engine({Variant.VIDEO: mp4, **given}), running(order(alice)))  # type: ignore[arg-type]
    with Image.open(default_storage.open(saved.thumbnail)) as image:
        assert (image.format, image.size) == ("WEBP", (64, 36))
    with Image.open(default_storage.open(saved.spritesheet)) as image:
        assert (image.format, image.size) == ("JPEG", (320 * 4, 180 * 3))


def test_thumbnail_is_made_when_the_video_has_a_single_frame(alice: User) -> None:
    saved = media_files.fetch_result(Engine({Variant.VIDEO: clip(frames=1)}), running(order(alice)))  # type: ignore[arg-type]
    assert default_storage.exists(saved.thumbnail)


def test_same_file_names_are_used_when_a_download_is_repeated(alice: User, mp4: bytes) -> None:
    video = running(order(alice))
    first = media_files.fetch_result(Engine({Variant.VIDEO: clip(frames=30)}), video)  # type: ignore[arg-type]
    second = media_files.fetch_result(Engine({Variant.VIDEO: mp4}), video)  # type: ignore[arg-type]
    assert (first.file, first.thumbnail) == (second.file, second.thumbnail)
    assert default_storage.open(second.file).read() == mp4
    assert second.size_bytes == len(mp4)


@pytest.mark.parametrize("trigger", ["[[content:truncatex1]]", "[[content:htmlx1]]"])
def test_download_is_repeated_when_the_file_was_incomplete(
    live: ServerThread, alice: User, finish: Finish, trigger: str
) -> None:
    video = finish(order(alice, f"A kite [[instant]] {trigger}"))
    assert (video.status, video.submit_count) == ("succeeded", 1)
    assert Path(video.file.path).stat().st_size == video.file_bytes


def test_finished_video_is_stored_when_the_full_disk_has_space_again(
    live: ServerThread, alice: User, work: Callable[..., None], settings: LazySettings
) -> None:
    place = {**settings.STORAGES["default"], "BACKEND": "tests.videos.full_disk.FullDisk"}
    settings.STORAGES = {**settings.STORAGES, "default": place}
    video = order(alice, "A kite [[instant]]")
    work(lambda: reloaded(video).status == "downloading" and reloaded(video).attempts >= 2)
    assert credits.available(alice) == 80
    FullDisk.is_full = False
    work(lambda: not reloaded(video).is_active)
    FullDisk.is_full = True
    assert (reloaded(video).status, credits.available(alice)) == ("succeeded", 80)
