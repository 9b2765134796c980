"""POST /api/videos with bodies and files nobody sends by mistake: refused, unstored, uncharged."""

import json
import struct
import zlib
from functools import cache
from pathlib import Path

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits, invariants
from tests.videos.conftest import picture, upload
from videos.models import Upload, Video

JSON = "application/json"
DEEP = 100_000


def shown(value: object) -> str | None:
    """A short name for a parameter that is long or not text."""
    return repr(value)[:40] if isinstance(value, bytes) else None


def nothing_stored(user: User, media_root: Path) -> bool:
    """No video, no upload, no file, no credit moved."""
    rows = (Video.objects.count(), Upload.objects.count(), credits.available(user))
    files = [path for path in media_root.rglob("*") if path.is_file()]
    return (rows, files, invariants.problems()) == ((0, 0, 100), [], [])


@pytest.fixture(autouse=True)
def _media(settings: LazySettings, tmp_path: Path) -> None:
    options = {**settings.STORAGES["default"]["OPTIONS"], "location": tmp_path}
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": options},
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"null", 422),
        (b"[]", 422),
        (b'["prompt"]', 422),
        (b'"prompt"', 422),
        (b"5", 422),
        (b"true", 422),
        (b'{"prompt"', 400),
        (b'{"prompt": "a",}', 400),
        (b"\xff\xfe", 400),
        (b'{"prompt": "a", "prompt": "b"}', 400),
        (b'{"prompt": "a", "seconds": 4, "seconds": 20}', 400),
        (b'{"prompt": "a", "seconds": 1e400}', 400),
        (b'{"prompt": "a", "seconds": -1e400}', 400),
        (b'{"prompt": "a", "seconds": NaN}', 400),
        (b'{"prompt": "a", "seconds": Infinity}', 400),
        (b'{"prompt": "a", "seconds": 1' + b"0" * 30 + b"}", 400),
        (b'{"prompt": "a", "seconds": 1' + b"0" * 5000 + b"}", 400),
        (b'{"prompt": "a", "seconds": "1' + b"0" * 5000 + b'"}', 422),
        (b'{"prompt": "a", "seconds": 2147483648}', 422),
        (b'{"prompt": "a", "seconds": "\xd9\xa8 \xd9\xa8"}', 422),
        (b"[" * DEEP, 400),
        (b"[" * DEEP + b"]" * DEEP, 400),
        (b'{"a":' * DEEP + b"1" + b"}" * DEEP, 400),
        (b'{"prompt": {"a": ' * 100 + b"1" + b"}}" * 100, 400),
        (b'{"prompt": "a\\u0000b"}', 422),
        (b'{"prompt": "a\\ud800b"}', 400),
        (b'{"prompt": "a", "model": "\\udfff"}', 400),
        (b'{"prompt": "a", "size": "1280x720\\u0000"}', 422),
        (b'{"\\ud800": "a"}', 400),
    ],
    ids=shown,
)
def test_create_is_refused_when_the_json_is_hostile(
    api: APIClient, alice: User, tmp_path: Path, body: bytes, status: int
) -> None:
    api.raise_request_exception = False
    answer = api.post("/api/videos", body, content_type=JSON)
    assert (answer.status_code, list(answer.json())) == (status, ["detail"])
    assert nothing_stored(alice, tmp_path)


def form(prompt: str, fields: int = 1) -> bytes:
    part = f'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n{prompt}\r\n'
    return (part * fields + "--x--\r\n").encode()


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("multipart/form-data; boundary=x", b"", 422),
        ("multipart/form-data; boundary=x", b"--x\r\nnonsense", 400),
        ("multipart/form-data; boundary=x", form("a boat").removesuffix(b"--x--\r\n"), 400),
        ("multipart/form-data; boundary=x", form("a boat").replace(b"a b", b"\xb4\xac"), 400),
        ("application/x-www-form-urlencoded", "prompt=\u8239".encode("gbk"), 400),
        ("application/x-www-form-urlencoded", b"prompt=%B4%AC", 400),
        ("multipart/form-data", b"--x--", 400),
        ("application/json", b'{"prompt": "' + b"x" * 1024 * 1024 + b'"}', 413),
        ("multipart/form-data; boundary=x", form("x" * 2 * 1024 * 1024), 413),
        ("multipart/form-data; boundary=x", form("a boat", fields=2000), 400),
        ("application/x-www-form-urlencoded", b"prompt=%00", 422),
        ("text/plain", b"prompt", 415),
        ("application/xml", b"<prompt/>", 415),
        ("application/json; charset=utf-7", b"+AHs-+AH0-", 415),
        ("application/json; charset=nonsense", b"{}", 415),
        ("nonsense", b"{}", 415),
    ],
    ids=shown,
)
def test_create_is_refused_when_the_content_type_is_hostile(
    api: APIClient, alice: User, tmp_path: Path, content_type: str, body: bytes, status: int
) -> None:
    api.raise_request_exception = False
    answer = api.post("/api/videos", body, content_type=content_type)
    assert (answer.status_code, list(answer.json())) == (status, ["detail"])
    assert nothing_stored(alice, tmp_path)


@cache
def decompression_bomb(width: int, height: int) -> bytes:
    """A PNG of few bytes and many pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    rows = zlib.compress(bytes(width // 8 + 1) * height, 9)
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
NOT_AN_IMAGE = "The file is not a JPEG, PNG or WebP image."
TOO_MANY = "The image has more than 40 megapixels."


@pytest.mark.parametrize(
    ("body", "name", "detail"),
    [
        (picture("GIF"), "a.gif", NOT_AN_IMAGE),
        (picture("GIF"), "a.png", NOT_AN_IMAGE),
        (picture("BMP"), "a.png", NOT_AN_IMAGE),
        (picture("TIFF"), "a.jpg", NOT_AN_IMAGE),
        (picture("ICO"), "a.png", NOT_AN_IMAGE),
        (SVG, "a.svg", NOT_AN_IMAGE),
        (SVG, "a.png", NOT_AN_IMAGE),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "a.jpg", NOT_AN_IMAGE),
        (b"MZ" + bytes(500), "a.png", NOT_AN_IMAGE),
        (b"\x89PNG\r\n\x1a\n", "a.png", NOT_AN_IMAGE),
        (picture()[:60], "a.png", NOT_AN_IMAGE),
        (picture("JPEG")[:300], "a.jpg", NOT_AN_IMAGE),
        (decompression_bomb(8000, 6000), "a.png", TOO_MANY),
        (decompression_bomb(20_000, 20_000), "a.png", TOO_MANY),
    ],
    ids=shown,
)
def test_create_is_400_when_the_file_is_no_accepted_image(
    api: APIClient, alice: User, tmp_path: Path, body: bytes, name: str, detail: str
) -> None:
    fields = {"prompt": "A boat", "input_reference": upload(body, name)}
    answer = api.post("/api/videos", fields, format="multipart")
    assert (answer.status_code, answer.json()) == (400, {"detail": detail, "code": "bad_image"})
    assert nothing_stored(alice, tmp_path)


def test_create_is_refused_when_the_file_is_empty(
    api: APIClient, alice: User, tmp_path: Path
) -> None:
    fields = {"prompt": "A boat", "input_reference": upload(b"")}
    answer = api.post("/api/videos", fields, format="multipart")
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, "value_error.empty")
    assert nothing_stored(alice, tmp_path)


def test_create_is_refused_when_the_file_is_too_large(
    api: APIClient, alice: User, tmp_path: Path, settings: LazySettings
) -> None:
    settings.UPLOAD_MAX_BYTES = 1024 * 1024
    fields = {"prompt": "A boat", "input_reference": upload(picture() + bytes(1024 * 1024))}
    answer = api.post("/api/videos", fields, format="multipart")
    assert answer.json() == {"detail": "The image is larger than 1 MB.", "code": "bad_image"}
    assert nothing_stored(alice, tmp_path)


def test_create_stores_no_image_when_credits_are_too_few(
    api: APIClient, alice: User, tmp_path: Path
) -> None:
    credits.spend(alice, 90, "test:spend")
    fields = {"prompt": "A boat", "input_reference": upload(picture())}
    assert api.post("/api/videos", fields, format="multipart").status_code == 402
    assert (Upload.objects.count(), [p for p in tmp_path.rglob("*") if p.is_file()]) == (0, [])


@pytest.mark.parametrize(
    "name", ["../../a.png", ".htaccess", "a\x00.php.png", "<b>.png", "ü" * 300]
)
def test_create_makes_a_hostile_file_name_harmless(
    api: APIClient, alice: User, tmp_path: Path, name: str
) -> None:
    fields = {"prompt": "A boat", "input_reference": upload(picture(), name)}
    answer = api.post("/api/videos", fields, format="multipart")
    assert answer.status_code == 201
    kept = Upload.objects.get()
    folder = tmp_path / "uploads" / "image" / str(alice.pk)
    assert Path(kept.file.path).resolve().parents[3] == folder
    assert json.dumps(kept.name).strip('"').isascii()
    assert not set(kept.name) & set("/\\<>\x00")
