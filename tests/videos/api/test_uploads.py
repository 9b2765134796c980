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
from tests.concurrency import run_concurrently
from tests.conftest import create_user
from tests.statements import after, reads
from tests.videos.api.test_create_video_hostile import SVG, decompression_bomb, shown
from tests.videos.conftest import clip, order, photo, picture, upload
from videos import tasks
from videos.catalog import offers
from videos.jobs import orders, removal, state_machine
from videos.media import upload_cleanup, uploads
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
    read_body = {"file": upload(body, name, "application/x-lie"), **fields}
    return client.post("/api/videos/upload", read_body, format="multipart")


async def read_body(answer: Any) -> bytes:
    return b"".join([chunk async for chunk in answer.streaming_content])


def make_clip(format: str, codec: str, pixels: str = "yuv420p", frames: int = 24) -> bytes:
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
    return make_clip("mp4", "libx264")


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
def test_upload_answers_the_documented_body_when_an_image_is_sent(
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
        ("a.mp4", make_clip("mp4", "libx264"), "video/mp4"),
        ("a.MOV", make_clip("mov", "libx264"), "video/quicktime"),
        ("a.webm", make_clip("webm", "libvpx"), "video/webm"),
        ("a.avi", make_clip("avi", "mpeg4"), "video/x-msvideo"),
        ("b.avi", make_clip("avi", "mjpeg", "yuvj420p"), "video/x-msvideo"),
    ],
    ids=shown,
)
def test_upload_stores_a_clip_unchanged(
    api: APIClient, alice: User, name: str, body: bytes, kind: str
) -> None:
    answer = send(api, body, name, file_type="video")
    kept = Upload.objects.get()
    assert answer.status_code == 200
    documented = {
        key: answer.json()[key] for key in ("file_size", "content_type", "file_type", "message")
    }
    assert documented == {
        "file_size": len(body),
        "content_type": kind,
        "file_type": "video",
        "message": "Video uploaded successfully",
    }
    assert answer.json()["storage_key"].startswith(f"uploads/video/{alice.pk}/")
    assert Path(kept.file.path).read_bytes() == body
    assert (kept.width, kept.height) == (64, 36)


def test_upload_drops_the_metadata_of_an_image(api: APIClient) -> None:
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


def test_upload_stores_the_first_frame_of_an_animated_image(api: APIClient) -> None:
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
def test_upload_makes_the_file_name_harmless(
    api: APIClient, tmp_path: Path, name: str, kept: str
) -> None:
    assert send(api, photo(), name).status_code == 200
    path = Path(Upload.objects.get().file.path).resolve()
    assert path.name.partition("_")[2] == kept
    assert path.is_relative_to(tmp_path / "uploads" / "image")


# ---- what is not ----


def is_refused(answer: Any, folder: Path, detail: str, code: str = "bad_file") -> bool:
    """It said so, and nothing was kept."""
    refusal = (answer.status_code, answer.json())
    assert refusal == (400, {"detail": detail, "code": code})
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
        ("a.jpg", "sound", "Invalid file type. file_type is image, video or audio."),
        ("a.jpg", "IMAGE", "Invalid file type. file_type is image, video or audio."),
    ],
)
def test_upload_is_400_when_the_file_type_is_not_accepted(
    api: APIClient, tmp_path: Path, name: str, kind: str, detail: str
) -> None:
    assert is_refused(send(api, photo(), name, file_type=kind), tmp_path, detail)


@pytest.mark.parametrize("size", [0, 1, 1023])
@pytest.mark.parametrize("kind", ["image", "video"])
def test_upload_is_400_when_the_file_is_too_small(
    api: APIClient, tmp_path: Path, size: int, kind: str
) -> None:
    answer = send(api, photo()[:size], {"image": "a.jpg", "video": "a.mp4"}[kind], file_type=kind)
    assert is_refused(answer, tmp_path, "Invalid file size. A file has at least 1 KB.")


@pytest.mark.parametrize("kind", ["image", "video"])
def test_upload_is_413_when_the_file_is_too_large(
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
        (decompression_bomb(20_000, 20_000), "a.png", "The image has more than 40 megapixels."),
        (decompression_bomb(8000, 6000), "a.png", "The image has more than 40 megapixels."),
        (
            decompression_bomb(400_000, 8) + PAD,
            "a.png",
            "The image has more than 16000 pixels a side.",
        ),
        (clip(), "a.jpg", "The file is not a JPEG image."),
    ],
    ids=shown,
)
def test_upload_is_400_when_an_image_does_not_match_its_name(
    api: APIClient, tmp_path: Path, body: bytes, name: str, detail: str
) -> None:
    assert is_refused(send(api, body, name), tmp_path, detail, "bad_image")


def mp4_box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + name + body


def mp4_with_external_reference(body: bytes) -> bytes:
    """The clip with its pictures said to be in another file."""
    at = body.index(b"dref") + 4 + 8
    assert body[at : at + 12] == b"\x00\x00\x00\x0curl \x00\x00\x00\x01"
    return body[: at + 11] + b"\x00" + body[at + 12 :]


NO_MP4, BROKEN = (
    "The file is not an MP4 or MOV clip.",
    "The file is incomplete, or other data is attached to it.",
)
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
SPOILT: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "playlist": ("mp4", lambda b: PLAYLIST + PAD, NO_MP4),
    "playlist as avi": ("avi", lambda b: PLAYLIST + PAD, "The file is not an AVI clip."),
    "playlist as webm": ("webm", lambda b: PLAYLIST + PAD, "The file is not a WebM clip."),
    "concat": ("mp4", lambda b: b"ffconcat version 1.0\nfile /etc/passwd\n" + PAD, NO_MP4),
    "jpeg": ("mp4", lambda b: photo(), NO_MP4),
    "html": ("mp4", lambda b: HTML + PAD, NO_MP4),
    "cut": ("mp4", lambda b: b[:-400], BROKEN),
    "half": ("mp4", lambda b: b[: len(b) // 2], BROKEN),
    "html behind": ("mp4", lambda b: b + HTML, BROKEN),
    "zip behind": ("mp4", lambda b: b + b"PK\x03\x04" + PAD, BROKEN),
    "no box behind": ("mp4", lambda b: b + mp4_box(b"\x00\x01ab", PAD), BROKEN),
    "another file": ("mov", mp4_with_external_reference, "The clip refers to another file."),
    "only a head": ("mp4", lambda b: b[:32] + mp4_box(b"free", PAD), BROKEN),
    "no pictures": ("mp4", lambda b: clip(video=False, audio=True), "The file has no video track."),
    "as avi": ("avi", lambda b: b, "The file is not an AVI clip, but MP4 or MOV."),
    "as webm": ("webm", lambda b: b, "The file is not a WebM clip, but MP4 or MOV."),
    "avi, html behind": ("avi", lambda b: make_clip("avi", "mpeg4") + HTML, BROKEN),
    "webm, html behind": ("webm", lambda b: make_clip("webm", "libvpx") + HTML, BROKEN),
    "zeros": ("mp4", lambda b: PAD, NO_MP4),
}


@pytest.mark.parametrize("how", SPOILT)
def test_upload_is_400_when_a_clip_does_not_match_its_name(
    api: APIClient, tmp_path: Path, mp4_file: bytes, how: str
) -> None:
    suffix, spoil, detail = SPOILT[how]
    source = make_clip("mov", "libx264") if how == "another file" else mp4_file
    answer = send(api, spoil(source), f"a.{suffix}", file_type="video")
    assert is_refused(answer, tmp_path, detail)


def test_upload_is_200_or_400_when_the_bytes_are_damaged(api: APIClient, mp4_file: bytes) -> None:
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
def test_upload_is_422_and_names_the_field_when_there_is_no_file(
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
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense", 400),
        ("image/jpeg", photo(), 415),
    ],
    ids=shown,
)
def test_upload_is_refused_when_the_body_is_no_multipart_form(
    api: APIClient, content_type: str, body: bytes, status: int
) -> None:
    answer = api.post("/api/videos/upload", body, content_type=content_type)
    assert (answer.status_code, list(answer.json())) == (status, ["detail"])


# ---- how much ----


def test_upload_is_400_when_the_user_has_the_maximum_number_of_files(
    api: APIClient, stranger: APIClient, settings: LazySettings, tmp_path: Path
) -> None:
    settings.UPLOAD_QUOTA_FILES = 2
    codes = [send(api, photo()).status_code for _ in range(3)]
    answer = send(api, photo())
    assert codes == [200, 200, 400]
    assert answer.json() == {
        "detail": "You have reached the limit of 2 files. Delete some to upload more.",
        "code": "quota_full",
    }
    assert (Upload.objects.count(), len(files(tmp_path))) == (2, 2)
    assert send(stranger, photo()).status_code == 200


def test_upload_is_400_when_the_user_would_exceed_the_maximum_of_bytes(
    api: APIClient, settings: LazySettings, tmp_path: Path
) -> None:
    size = send(api, photo()).json()["file_size"]
    settings.UPLOAD_QUOTA_BYTES = 2 * size - 1000
    answer = send(api, photo("PNG", (200, 200)), "b.png")
    assert (answer.status_code, answer.json()["code"]) == (400, "quota_full")
    assert len(files(tmp_path)) == 1


def test_reference_images_count_towards_the_quota(api: APIClient, settings: LazySettings) -> None:
    settings.UPLOAD_QUOTA_FILES = 0
    fields = {"prompt": "A boat", "input_reference": upload(picture())}
    answer = api.post("/api/videos", fields, format="multipart")
    assert (answer.status_code, answer.json()["code"]) == (400, "quota_full")
    assert Video.objects.count() == 0


def test_studio_shows_the_quota_message_when_the_quota_is_full(
    page: Client, settings: LazySettings
) -> None:
    settings.UPLOAD_QUOTA_FILES = 0
    form = {"prompt": "A boat", "model": "sora-2", "size": "1280x720", "seconds": "8"}
    answer = page.post("/studio/", {**form, "first_file": upload(picture())})
    assert answer.status_code == 422
    assert (
        "You have reached the limit of 0 files. Delete some to upload more."
        in answer.content.decode()
    )


def test_studio_shows_a_message_when_its_image_was_deleted_meanwhile(
    page: Client, kept: Upload
) -> None:
    form = {"prompt": "A boat", "model": "sora-2", "size": "1280x720", "seconds": "8"}
    with after(reads("videos_upload"), Upload.objects.filter(pk=kept.pk).delete):
        answer = page.post("/studio/", {**form, "first_image": str(kept.pk)})
    assert (answer.status_code, Video.objects.count()) == (422, 0)
    assert "The image was deleted. Upload it again." in answer.content.decode()


UNREADABLE = b"\x89PNG\r\n\x1a\n" + b"no picture and no clip " * 100


@pytest.mark.parametrize(
    ("quota", "value"), [("UPLOAD_QUOTA_FILES", 0), ("UPLOAD_QUOTA_BYTES", len(UNREADABLE) - 1)]
)
def test_quota_is_asked_before_a_file_is_decoded(
    api: APIClient, page: Client, settings: LazySettings, quota: str, value: int
) -> None:
    before = send(api, UNREADABLE, "a.png")
    setattr(settings, quota, value)
    video = {"file_type": "video"}
    calls = [
        send(api, UNREADABLE, "a.png"),
        send(api, UNREADABLE, "a.mp4", **video),
        api.post(
            "/api/videos",
            {"prompt": "A boat", "input_reference": upload(UNREADABLE)},
            format="multipart",
        ),
    ]
    assert before.json()["code"] == "bad_image"
    assert [answer.json()["code"] for answer in calls] == ["quota_full"] * 3
    shown = page.post("/studio/reference/", {"image": upload(UNREADABLE)})
    assert (shown.status_code, shown.json()) == (422, {"detail": calls[0].json()["detail"]})


def test_upload_leaves_no_row_and_no_file_when_storage_fails(
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


def test_uploaded_file_is_served_to_its_owner_only(
    api: APIClient, stranger: APIClient, anonymous: APIClient
) -> None:
    address = send(api, photo()).json()["file_url"]
    answer: Any = api.get(address)
    assert async_to_sync(read_body)(answer) == Path(Upload.objects.get().file.path).read_bytes()
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/jpeg")
    assert answer["Content-Disposition"] == 'inline; filename="boat.jpg"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    unknown = stranger.get(f"/api/videos/uploads/{uuid4()}")
    assert (unknown.status_code, unknown.content) == (404, stranger.get(address).content)
    assert anonymous.get(address).status_code == 401
    assert api.head(address)["Content-Length"] == answer["Content-Length"]


def test_uploaded_clip_is_served_as_an_attachment(api: APIClient, mp4_file: bytes) -> None:
    address = send(api, mp4_file, "<b>.mp4", file_type="video").json()["file_url"]
    answer = api.get(address)
    assert answer["Content-Type"] == "video/mp4"
    assert answer["Content-Disposition"] == 'attachment; filename="b.mp4"'


def test_uploaded_file_is_404_when_it_is_missing_in_storage(api: APIClient) -> None:
    address = send(api, photo()).json()["file_url"]
    default_storage.delete(str(Upload.objects.get().file.name))
    assert (api.get(address).status_code, api.get(address).json()) == (
        404,
        {"detail": "The file is no longer there."},
    )


def test_file_url_of_an_upload_is_accepted_by_image_to_video(api: APIClient) -> None:
    address = send(api, photo()).json()["file_url"]
    body = {"prompt": "Waves", "image_urls": [address]}
    assert api.post("/api/videos/image-to-video", body, format="json").status_code == 200
    assert Video.objects.get().first_image == Upload.objects.get()


def test_upload_is_401_when_anonymous(anonymous: APIClient, db: None, tmp_path: Path) -> None:
    answer = send(anonymous, photo())
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})
    assert files(tmp_path) == []


def test_uploaded_file_takes_two_queries(
    api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    address = send(api, photo()).json()["file_url"]
    with django_assert_num_queries(2):
        api.get(address)


# ---- sweeping ----


@pytest.fixture
def kept(alice: User) -> Upload:
    return uploads.store_upload(alice, upload(photo(), "a.jpg"), "image")


def make_older(**back: int) -> None:
    Upload.objects.update(created_at=timezone.now() - timedelta(**back))


def test_unused_upload_is_deleted_after_a_day(kept: Upload, tmp_path: Path) -> None:
    make_older(hours=23)
    tasks.delete_expired()
    assert (Upload.objects.count(), len(files(tmp_path))) == (1, 1)
    make_older(hours=25)
    tasks.delete_expired()
    assert Upload.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_stored_file_is_deleted_with_its_upload(
    transactional_db: None, kept: Upload, tmp_path: Path
) -> None:
    make_older(hours=25)
    assert (upload_cleanup.delete_unused(), files(tmp_path)) == (1, [])


def test_upload_is_kept_while_a_video_uses_it_and_deleted_after(alice: User, kept: Upload) -> None:
    video = order(alice, first_image=kept)
    make_older(hours=25)
    assert upload_cleanup.delete_unused() == 0
    state_machine.cancel(video)
    assert upload_cleanup.delete_unused() == 0
    removal.delete(video)
    assert upload_cleanup.delete_unused() == 1
    assert Video.objects.get().first_image is None


@pytest.mark.parametrize("use", ["last_image", "references"])
def test_every_image_of_a_video_is_kept_with_it_and_deleted_after(
    alice: User, kept: Upload, use: str
) -> None:
    other = uploads.store_image(alice, upload(picture()))
    images = {"last_image": {"first_image": other, "last_image": kept}}
    video = order(alice, **images.get(use, {"references": (other, kept)}))
    make_older(hours=25)
    assert upload_cleanup.delete_unused() == 0
    state_machine.cancel(video)
    removal.delete(video)
    assert upload_cleanup.delete_unused() == 2
    assert (Video.objects.get().images, Upload.objects.count()) == ([], 0)


def test_order_is_refused_when_one_of_its_images_was_deleted_meanwhile(
    alice: User, kept: Upload
) -> None:
    make_older(hours=25)
    other = uploads.store_image(alice, upload(picture()))
    video_order = orders.VideoOrder("A boat", references=(other, kept))
    assert upload_cleanup.delete_unused() == 1
    with pytest.raises(offers.NotOffered) as raised:
        orders.submit(alice, video_order)
    assert (raised.value.field, Video.objects.count()) == ("reference_images", 0)


def test_reservation_is_deleted_after_a_day_when_its_process_died(
    api: APIClient, alice: User, kept: Upload
) -> None:
    Upload.objects.update(stored=False)
    assert api.get(f"/api/videos/uploads/{kept.pk}").status_code == 404
    make_older(hours=25)
    assert upload_cleanup.delete_unused() == 1


def test_order_is_refused_when_its_image_was_deleted_meanwhile(
    api: APIClient, alice: User, kept: Upload
) -> None:
    make_older(hours=25)
    video_order = orders.VideoOrder("A boat", first_image=kept)
    assert upload_cleanup.delete_unused() == 1
    with pytest.raises(offers.NotOffered) as raised:
        orders.submit(alice, video_order)
    assert str(raised.value) == "The image was deleted. Upload it again."
    assert Video.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_concurrent_order_and_cleanup_keep_both_video_and_image_or_neither(
    transactional_db: None,
) -> None:
    erin = create_user("erin")
    credits.grant(erin, 1000, credits.Kind.BONUS, "test:more", expires_at=None)
    for _ in range(15):
        image = uploads.store_image(erin, upload(picture()))
        make_older(hours=25)
        video_order = orders.VideoOrder("A boat", first_image=image)
        ordered, swept = run_concurrently(
            [partial(orders.submit, erin, video_order), upload_cleanup.delete_unused]
        )
        assert (type(ordered), swept) in {(Video, 0), (offers.NotOffered, 1)}
        assert Upload.objects.filter(pk=image.pk).exists() == isinstance(ordered, Video)
        Video.objects.update(deleted_at=timezone.now())
        upload_cleanup.delete_unused()
