"""POST /api/videos/upload: what is taken, how it is kept, and who gets it back."""

import random
import re
import struct
import zipfile
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import av
import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings
from django.core.files.storage import FileSystemStorage, default_storage
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from tests.billing.conftest import outcomes
from tests.conftest import person
from tests.statements import after, reads
from tests.videos.conftest import clip, order, photo, picture, upload
from tests.videos.test_create_hostile import SVG, bomb, shown
from videos import catalog, tasks
from videos.jobs import state_machine
from videos.media import uploads
from videos.models import Upload, Video

HTML = b"<html><script>alert(1)</script></html>"


@pytest.fixture(autouse=True)
def _media(settings: LazySettings, tmp_path: Path) -> None:
    options = {**settings.STORAGES["default"]["OPTIONS"], "location": tmp_path}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": options},
    }


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def send(client: APIClient, body: bytes, name: str = "boat.jpg", **fields: Any) -> Any:
    whole = {"file": upload(body, name, "application/x-lie"), **fields}
    return client.post("/api/videos/upload", whole, format="multipart")


async def whole(answer: Any) -> bytes:
    return b"".join([chunk async for chunk in answer.streaming_content])


def film(format: str, codec: str, pixels: str = "yuv420p", frames: int = 24) -> bytes:
    """A second of a real clip of grain in any container."""
    file = BytesIO()
    with av.open(file, "w", format=format) as container:
        stream = container.add_stream(codec, rate=24)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 64, 36, pixels
        for n in range(frames):
            image = Image.effect_noise((64, 36), n).convert("RGB")
            frame: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


@pytest.fixture(scope="module")
def mp4_file() -> bytes:
    return film("mp4", "libx264")


# ---- what is taken ----


@pytest.mark.parametrize(
    ("name", "format", "stored", "kind"),
    [
        ("boat.jpg", "JPEG", "boat.jpg", "image/jpeg"),
        ("boat.JPEG", "JPEG", "boat.jpg", "image/jpeg"),
        ("boat.png", "PNG", "boat.png", "image/png"),
        ("boat.webp", "WEBP", "boat.webp", "image/webp"),
        ("boat.gif", "GIF", "boat.png", "image/png"),
    ],
)
def test_the_documented_body_is_answered_when_an_image_is_sent(
    api: APIClient,
    alice: User,
    settings: LazySettings,
    name: str,
    format: str,
    stored: str,
    kind: str,
) -> None:
    answer = send(api, photo(format), name)
    kept = Upload.objects.get()
    body = answer.json()
    key = body.pop("storage_key")
    assert (answer.status_code, body) == (
        200,
        {
            "success": True,
            "file_url": f"{settings.BASE_URL}/api/videos/uploads/{kept.pk}",
            "file_size": Path(kept.file.path).stat().st_size,
            "content_type": kind,
            "file_type": "image",
            "message": "Image uploaded successfully",
        },
    )
    day = timezone.now().strftime("%Y/%m/%d")
    assert re.fullmatch(rf"uploads/image/{alice.pk}/{day}/[0-9a-f]{{16}}_{stored}", key)
    assert Path(kept.file.path) == Path(default_storage.path(key))
    assert (kept.width, kept.height, kept.stored) == (96, 72, True)
    with Image.open(kept.file.path) as image:
        assert Image.MIME[str(image.format)] == kind


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        ("a.mp4", film("mp4", "libx264"), "video/mp4"),
        ("a.MOV", film("mov", "libx264"), "video/quicktime"),
        ("a.webm", film("webm", "libvpx"), "video/webm"),
        ("a.avi", film("avi", "mpeg4"), "video/x-msvideo"),
        ("b.avi", film("avi", "mjpeg", "yuvj420p"), "video/x-msvideo"),
    ],
    ids=shown,
)
def test_a_clip_is_kept_as_it_is(
    api: APIClient, alice: User, name: str, body: bytes, kind: str
) -> None:
    answer = send(api, body, name, file_type="video")
    kept = Upload.objects.get()
    assert answer.status_code == 200
    told = {
        key: answer.json()[key] for key in ("file_size", "content_type", "file_type", "message")
    }
    assert told == {
        "file_size": len(body),
        "content_type": kind,
        "file_type": "video",
        "message": "Video uploaded successfully",
    }
    assert answer.json()["storage_key"].startswith(f"uploads/video/{alice.pk}/")
    assert Path(kept.file.path).read_bytes() == body
    assert (kept.width, kept.height) == (64, 36)


def test_everything_but_the_picture_is_dropped(api: APIClient) -> None:
    exif = Image.Exif()
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825)[1] = "SECRET-NORTH"
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("SECRET", "x")
    for format, name in (("JPEG", "a.jpg"), ("PNG", "a.png"), ("WEBP", "a.webp")):
        body = photo(format, exif=exif) + HTML.replace(b"alert", b"SECRET") + archive.getvalue()
        assert send(api, body, name).status_code == 200
    for kept in Upload.objects.all():
        stored = Path(kept.file.path).read_bytes()
        assert [stored.count(word) for word in (b"SECRET", b"<html", b"PK\x03\x04")] == [0, 0, 0]


def test_the_first_frame_is_kept_of_a_moving_image(api: APIClient) -> None:
    body = BytesIO()
    frames = [Image.effect_noise((60, 40), n * 9).convert("P") for n in range(5)]
    frames[0].save(body, "GIF", save_all=True, append_images=frames[1:])
    assert send(api, body.getvalue(), "a.gif").status_code == 200
    with Image.open(Upload.objects.get().file.path) as image:
        assert (image.format, getattr(image, "n_frames", 1), image.size) == ("PNG", 1, (60, 40))


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/passwd.jpg", "passwd.jpg"),
        ("..jpg", "image.jpg"),
        (".htaccess.jpg", "htaccess.jpg"),
        ("<img src=x onerror=alert(1)>.jpg", "img-src-x-onerror-alert-1.jpg"),
        ("夕日.jpg", "image.jpg"),
        ("a" * 200 + ".jpg", "a" * 64 + ".jpg"),
        ("a.php.jpg", "a.php.jpg"),
    ],
)
def test_the_name_is_made_harmless(api: APIClient, tmp_path: Path, name: str, kept: str) -> None:
    assert send(api, photo(), name).status_code == 200
    path = Path(Upload.objects.get().file.path).resolve()
    assert path.name.partition("_")[2] == kept
    assert path.is_relative_to(tmp_path / "uploads" / "image")


# ---- what is not ----


def refused(answer: Any, folder: Path, detail: str, code: str = "bad_file") -> bool:
    """It said so, and nothing was kept."""
    told = (answer.status_code, answer.json())
    assert told == (400, {"detail": detail, "code": code})
    return (Upload.objects.count(), files(folder)) == (0, [])


IMAGES = "Invalid file type. Allowed for image: .jpg, .jpeg, .png, .gif, .webp."
CLIPS = "Invalid file type. Allowed for video: .mp4, .avi, .mov, .webm."


@pytest.mark.parametrize(
    ("name", "kind", "detail"),
    [
        ("a.svg", "image", IMAGES),
        ("a.tiff", "image", IMAGES),
        ("a", "image", IMAGES),
        ("a.jpg.exe", "image", IMAGES),
        ("a.mp4", "image", IMAGES),
        ("a.jpg", "video", CLIPS),
        ("a.m3u8", "video", CLIPS),
        ("a.mkv", "video", CLIPS),
        ("a.jpg", "audio", "Invalid file type. file_type is image or video."),
        ("a.jpg", "IMAGE", "Invalid file type. file_type is image or video."),
    ],
)
def test_refused_when_the_type_is_none_we_take(
    api: APIClient, tmp_path: Path, name: str, kind: str, detail: str
) -> None:
    assert refused(send(api, photo(), name, file_type=kind), tmp_path, detail)


@pytest.mark.parametrize("size", [0, 1, 1023])
@pytest.mark.parametrize("kind", ["image", "video"])
def test_refused_when_it_is_too_small(api: APIClient, tmp_path: Path, size: int, kind: str) -> None:
    answer = send(api, photo()[:size], {"image": "a.jpg", "video": "a.mp4"}[kind], file_type=kind)
    assert refused(answer, tmp_path, "Invalid file size. A file has at least 1 KB.")


@pytest.mark.parametrize("kind", ["image", "video"])
def test_too_large_is_told_so(
    api: APIClient, tmp_path: Path, settings: LazySettings, kind: str
) -> None:
    settings.UPLOAD_MAX_BYTES = 1024 * 1024
    name = {"image": "a.jpg", "video": "a.mp4"}[kind]
    answer = send(api, photo() + bytes(1024 * 1024), name, file_type=kind)
    assert (answer.status_code, answer.json()) == (
        413,
        {"detail": "The file is larger than 1 MB.", "code": "too_large"},
    )
    assert files(tmp_path) == []


PAD = bytes(2000)


@pytest.mark.parametrize(
    ("body", "name", "detail"),
    [
        (photo("PNG"), "a.jpg", "The file is not a JPEG image."),
        (photo("JPEG"), "a.png", "The file is not a PNG image."),
        (photo("JPEG"), "a.webp", "The file is not a WebP image."),
        (photo("TIFF"), "a.png", "The file is not a PNG image."),
        (photo("BMP"), "a.gif", "The file is not a GIF image."),
        (SVG + PAD, "a.png", "The file is not a PNG image."),
        (HTML + PAD, "a.gif", "The file is not a GIF image."),
        (b"GIF89a" + HTML + PAD, "a.gif", "The file is not a GIF image."),
        (b"MZ" + PAD, "a.jpg", "The file is not a JPEG image."),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n" + PAD, "a.jpg", "The file is not a JPEG image."),
        (photo("PNG")[:1500], "a.png", "The file is not a PNG image."),
        (bomb(20_000, 20_000), "a.png", "The image has more than 40 megapixels."),
        (bomb(8000, 6000), "a.png", "The image has more than 40 megapixels."),
        (bomb(400_000, 8) + PAD, "a.png", "The image has more than 16000 pixels a side."),
        (clip(), "a.jpg", "The file is not a JPEG image."),
    ],
    ids=shown,
)
def test_refused_when_an_image_is_not_what_its_name_says(
    api: APIClient, tmp_path: Path, body: bytes, name: str, detail: str
) -> None:
    assert refused(send(api, body, name), tmp_path, detail, "bad_image")


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body


def referring(body: bytes) -> bytes:
    """The clip with its pictures said to be in another file."""
    at = body.index(b"dref") + 4 + 8
    assert body[at : at + 12] == b"\x00\x00\x00\x0curl \x00\x00\x00\x01"
    return body[: at + 11] + b"\x00" + body[at + 12 :]


NO_MP4, BROKEN = (
    "The file is not an MP4 or MOV clip.",
    "The file is cut short, or something else is glued to it.",
)
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
SPOILT: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "playlist": ("mp4", lambda b: PLAYLIST + PAD, BROKEN),
    "playlist as avi": ("avi", lambda b: PLAYLIST + PAD, "The file is not an AVI clip."),
    "playlist as webm": ("webm", lambda b: PLAYLIST + PAD, "The file is not a WebM clip."),
    "concat": ("mp4", lambda b: b"ffconcat version 1.0\nfile /etc/passwd\n" + PAD, BROKEN),
    "jpeg": ("mp4", lambda b: photo(), BROKEN),
    "html": ("mp4", lambda b: HTML + PAD, BROKEN),
    "cut": ("mp4", lambda b: b[:-400], BROKEN),
    "half": ("mp4", lambda b: b[: len(b) // 2], BROKEN),
    "html behind": ("mp4", lambda b: b + HTML, BROKEN),
    "zip behind": ("mp4", lambda b: b + b"PK\x03\x04" + PAD, BROKEN),
    "unknown box": ("mp4", lambda b: b + box(b"evil", PAD), NO_MP4),
    "no ftyp": ("mp4", lambda b: box(b"free", PAD) + b, NO_MP4),
    "other brand": ("mp4", lambda b: b[:8] + b"heic" + b[12:], NO_MP4),
    "another file": ("mov", referring, "The clip refers to another file."),
    "only a head": ("mp4", lambda b: b[:32] + box(b"free", PAD), "The clip cannot be played."),
    "no pictures": ("mp4", lambda b: clip(video=False, audio=True), "The file has no pictures."),
    "as avi": ("avi", lambda b: b, "The file is not an AVI clip."),
    "as webm": ("webm", lambda b: b, "The file is not a WebM clip."),
    "avi, html behind": ("avi", lambda b: film("avi", "mpeg4") + HTML, BROKEN),
    "webm, html behind": ("webm", lambda b: film("webm", "libvpx") + HTML, BROKEN),
    "zeros": ("mp4", lambda b: PAD, NO_MP4),
}


@pytest.mark.parametrize("how", SPOILT)
def test_refused_when_a_clip_is_not_what_its_name_says(
    api: APIClient, tmp_path: Path, mp4_file: bytes, how: str
) -> None:
    suffix, spoil, detail = SPOILT[how]
    source = film("mov", "libx264") if how == "another file" else mp4_file
    answer = send(api, spoil(source), f"a.{suffix}", file_type="video")
    assert refused(answer, tmp_path, detail)


def test_taken_or_refused_but_never_anything_else_when_bytes_are_damaged(
    api: APIClient, mp4_file: bytes
) -> None:
    dice = random.Random(7)
    for n in range(12):
        body = bytearray(mp4_file)
        for _ in range(dice.randint(1, 8)):
            body[dice.randrange(len(body))] = dice.randrange(256)
        assert send(api, bytes(body), f"{n}.mp4", file_type="video").status_code in {200, 400}


@pytest.mark.parametrize(
    ("fields", "place"),
    [({}, "file"), ({"file": "text"}, "file"), ({"file_type": "image"}, "file")],
)
def test_refused_with_its_place_when_there_is_no_file(
    api: APIClient, fields: dict[str, Any], place: str
) -> None:
    answer = api.post("/api/videos/upload", fields, format="multipart")
    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["detail"]] == [["body", place]]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("multipart/form-data", b"--x--", 400),
        ("multipart/form-data; boundary=x", b"", 422),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense", 422),
        ("image/jpeg", photo(), 415),
    ],
    ids=shown,
)
def test_refused_when_it_is_no_form(
    api: APIClient, content_type: str, body: bytes, status: int
) -> None:
    answer = api.post("/api/videos/upload", body, content_type=content_type)
    assert (answer.status_code, list(answer.json())) == (status, ["detail"])


# ---- how much ----


def test_refused_when_one_keeps_as_many_files_as_one_may(
    api: APIClient, stranger: APIClient, settings: LazySettings, tmp_path: Path
) -> None:
    settings.UPLOAD_QUOTA_FILES = 2
    codes = [send(api, photo()).status_code for _ in range(3)]
    answer = send(api, photo())
    assert codes == [200, 200, 400]
    assert answer.json() == {
        "detail": "You keep 2 files here, which is the most.",
        "code": "quota_full",
    }
    assert (Upload.objects.count(), len(files(tmp_path))) == (2, 2)
    assert send(stranger, photo()).status_code == 200


def test_refused_when_one_would_keep_more_bytes_than_one_may(
    api: APIClient, settings: LazySettings, tmp_path: Path
) -> None:
    size = send(api, photo()).json()["file_size"]
    settings.UPLOAD_QUOTA_BYTES = 2 * size - 1000
    answer = send(api, photo("PNG", (200, 200)), "b.png")
    assert (answer.status_code, answer.json()["code"]) == (400, "quota_full")
    assert len(files(tmp_path)) == 1


def test_a_reference_image_counts_too(api: APIClient, settings: LazySettings) -> None:
    settings.UPLOAD_QUOTA_FILES = 0
    fields = {"prompt": "A boat", "input_reference": upload(picture())}
    answer = api.post("/api/videos", fields, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (400, "quota_full")
    assert Video.objects.count() == 0


def test_the_studio_says_so_when_no_more_may_be_kept(page: Client, settings: LazySettings) -> None:
    settings.UPLOAD_QUOTA_FILES = 0
    form = {"prompt": "A boat", "model": "sora-2", "size": "1280x720", "seconds": "8"}
    answer = page.post("/studio/", {**form, "image": upload(picture())})
    assert answer.status_code == 422
    assert "You keep 0 files here, which is the most." in answer.content.decode()


def test_the_studio_says_so_when_its_image_was_swept_meanwhile(page: Client, kept: Upload) -> None:
    form = {"prompt": "A boat", "model": "sora-2", "size": "1280x720", "seconds": "8"}
    with after(reads("videos_upload"), Upload.objects.filter(pk=kept.pk).delete):
        answer = page.post("/studio/", {**form, "reference": str(kept.pk)})
    assert (answer.status_code, Video.objects.count()) == (422, 0)
    assert "The image is no longer there. Send it again." in answer.content.decode()


def test_nothing_is_left_when_storage_fails(
    api: APIClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any) -> str:
        raise OSError("no space left on device")

    monkeypatch.setattr(FileSystemStorage, "save", full)
    api.raise_request_exception = False
    answer = send(api, photo())
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal server error"})
    assert Upload.objects.count() == 0


# ---- getting it back ----


def test_its_sender_gets_it_and_nobody_else(
    api: APIClient, stranger: APIClient, anonymous: APIClient
) -> None:
    address = send(api, photo()).json()["file_url"]
    mine: Any = api.get(address)
    assert async_to_sync(whole)(mine) == Path(Upload.objects.get().file.path).read_bytes()
    assert (mine.status_code, mine["Content-Type"]) == (200, "image/jpeg")
    assert mine["Content-Disposition"] == 'inline; filename="boat.jpg"'
    assert mine["X-Content-Type-Options"] == "nosniff"
    assert mine["Content-Security-Policy"] == "sandbox; default-src 'none'"
    unknown = stranger.get(f"/api/videos/uploads/{uuid4()}")
    assert (unknown.status_code, unknown.content) == (404, stranger.get(address).content)
    assert anonymous.get(address).status_code == 401
    assert api.head(address)["Content-Length"] == mine["Content-Length"]


def test_a_clip_comes_back_to_be_saved(api: APIClient, mp4_file: bytes) -> None:
    address = send(api, mp4_file, "<b>.mp4", file_type="video").json()["file_url"]
    answer = api.get(address)
    assert answer["Content-Type"] == "video/mp4"
    assert answer["Content-Disposition"] == 'attachment; filename="b.mp4"'


def test_gone_when_its_file_is(api: APIClient) -> None:
    address = send(api, photo()).json()["file_url"]
    default_storage.delete(str(Upload.objects.get().file.name))
    assert (api.get(address).status_code, api.get(address).json()) == (
        404,
        {"detail": "The file is no longer there."},
    )


def test_its_address_is_taken_for_a_video(api: APIClient) -> None:
    address = send(api, photo()).json()["file_url"]
    body = {"prompt": "Waves", "image_urls": [address]}
    assert api.post("/api/videos/image-to-video", body, format="json").status_code == 200
    assert Video.objects.get().reference == Upload.objects.get()


def test_refused_when_anonymous(anonymous: APIClient, db: None, tmp_path: Path) -> None:
    answer = send(anonymous, photo())
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})
    assert files(tmp_path) == []


def test_a_file_is_read_with_two_queries(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    address = send(api, photo()).json()["file_url"]
    with django_assert_num_queries(2):
        api.get(address)


# ---- sweeping ----


@pytest.fixture
def kept(alice: User) -> Upload:
    return uploads.keep(alice, upload(photo(), "a.jpg"), "image")


def age(**back: int) -> None:
    Upload.objects.update(created_at=timezone.now() - timedelta(**back))


def test_a_file_nobody_used_is_gone_after_a_day(kept: Upload, tmp_path: Path) -> None:
    age(hours=23)
    tasks.sweep()
    assert (Upload.objects.count(), len(files(tmp_path))) == (1, 1)
    age(hours=25)
    tasks.sweep()
    assert Upload.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_its_bytes_are_gone_with_it(transactional_db: None, kept: Upload, tmp_path: Path) -> None:
    age(hours=25)
    assert (uploads.sweep(), files(tmp_path)) == (1, [])


def test_what_is_in_use_stays_and_what_only_deleted_videos_used_goes(
    alice: User, kept: Upload
) -> None:
    video = order(alice, reference=kept)
    age(hours=25)
    assert uploads.sweep() == 0
    state_machine.cancel(video)
    assert uploads.sweep() == 0
    state_machine.delete(video)
    assert uploads.sweep() == 1
    assert Video.objects.get().reference is None


def test_a_reservation_of_a_dead_process_is_gone_after_a_day(
    api: APIClient, alice: User, kept: Upload
) -> None:
    Upload.objects.update(stored=False)
    assert api.get(f"/api/videos/uploads/{kept.pk}").status_code == 404
    age(hours=25)
    assert uploads.sweep() == 1


def test_an_order_is_refused_when_its_image_was_swept_meanwhile(
    api: APIClient, alice: User, kept: Upload
) -> None:
    age(hours=25)
    wish = state_machine.Wish("A boat", reference=kept)
    assert uploads.sweep() == 1
    with pytest.raises(catalog.NotOffered) as told:
        state_machine.submit(alice, wish)
    assert str(told.value) == "The image is no longer there. Send it again."
    assert Video.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_an_order_and_a_sweep_at_once_leave_both_or_neither(transactional_db: None) -> None:
    erin = person("erin")
    credits.grant(erin, 1000, credits.Kind.BONUS, "test:more", expires_at=None)
    for _ in range(15):
        image = uploads.keep_image(erin, upload(picture()))
        age(hours=25)
        wish = state_machine.Wish("A boat", reference=image)
        ordered, swept = outcomes([partial(state_machine.submit, erin, wish), uploads.sweep])
        assert (type(ordered), swept) in {(Video, 0), (catalog.NotOffered, 1)}
        assert Upload.objects.filter(pk=image.pk).exists() == isinstance(ordered, Video)
        Video.objects.update(deleted_at=timezone.now())
        uploads.sweep()
