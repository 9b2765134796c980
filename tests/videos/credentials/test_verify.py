"""/verify/ and /api/verify: anybody learns where a file comes from, and nothing about its owner."""

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from tests.conftest import signed_in
from tests.videos.credentials.conftest import film, path_of, stored
from videos.credentials import identity, inspection, mp4_boxes, own_identity, signing, verification
from videos.credentials.manifests import Action
from videos.credentials.verification import Finding
from videos.jobs import removal
from videos.models import Video


@pytest.fixture
def video(alice: User, clouds: bytes) -> Video:
    return stored(alice, clouds, prompt="A very private wish")


def send(client: Client, body: bytes, name: str = "film.mp4") -> Any:
    return client.post("/verify/", {"file": SimpleUploadedFile(name, body)})


def said(answer: Any) -> str:
    """The words of a page."""
    text = re.sub(r"<[^>]+>", " ", answer.content.decode())
    return " ".join(text.split())


def asked(body: bytes) -> dict[str, Any]:
    """What the API says to somebody without an account."""
    answer = APIClient().post("/api/verify", {"file": SimpleUploadedFile("x.mp4", body)})
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def judged(body: bytes) -> Finding:
    """What is found in a file; in this process, which spares the start of another one."""
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(body)
        file.flush()
        return verification.judge(inspection.inspect(Path(file.name), *verification.anchors()))


def without_manifest(body: bytes) -> bytes:
    """The file without the parts that say where it comes from, as many programs write it."""
    kept, at = b"", 0
    while at < len(body):
        length = int.from_bytes(body[at : at + 4], "big")
        # As long as before, so that the places of the frames stay true.
        part = body[at : at + length]
        kept += part[:4] + b"free" + bytes(length - 8) if part[4:8] == b"uuid" else part
        at += length
    return kept


def test_signed_file_is_explained_to_anybody_without_its_owner_or_prompt(video: Video) -> None:
    answer = send(Client(), path_of(video).read_bytes())
    text = said(answer)
    assert answer.status_code == 200
    for words in (
        "This was made here, with AI. We signed the file, and it is unaltered since.",
        f"Signed by {identity.current().name}",
        f"Model {video.model} ({video.engine})",
        "What was done It was created",
        "other viewers call this signer untrusted",
    ):
        assert words in text
    for secret in ("alice", "private wish", str(video.pk)):
        assert secret not in answer.content.decode()


def test_api_tells_the_same(video: Video) -> None:
    found = asked(path_of(video).read_bytes())
    assert (found["made_here"], found["recognised_by"]) == (True, "manifest")
    assert found["sha256"] == video.file_sha256
    made_at = datetime.fromisoformat(found["credentials"].pop("made_at"))
    assert abs(made_at - timezone.now()) < timedelta(minutes=5)
    assert found["credentials"] == {
        "state": "valid",
        "signed_by": identity.current().name,
        "signed_here": True,
        "generator": "Firstlight 0.2.0",
        "made_by_ai": True,
        "model": video.model,
        "engine": video.engine,
        "prompt": "",
        "actions": [{"action": "c2pa.created", "description": ""}],
        "ingredients": [],
    }


def test_altered_file_is_called_altered_and_recognised_by_its_frames(video: Video) -> None:
    body = bytearray(path_of(video).read_bytes())
    body[-5] ^= 1  # in the packet of XMP at the end
    answer = send(Client(), bytes(body))
    found = asked(bytes(body))
    assert "This looks the same as a video that was made here, with AI." in said(answer)
    assert "it was changed after it was signed. Do not rely on them." in said(answer)
    assert (found["recognised_by"], found["credentials"]["state"]) == ("frames", "invalid")


def test_stripped_file_is_recognised_by_its_frames(video: Video) -> None:
    found = judged(without_manifest(path_of(video).read_bytes()))
    assert (found.recognised_by, found.manifest) == ("frames", None)


@pytest.mark.parametrize(
    "changes",
    [{"size": (96, 64), "quality": 38}, {"name": "mpeg4", "size": (192, 128)}],
    ids=["smaller and worse", "another codec and shape"],
)
@pytest.mark.usefixtures("video")
def test_reencoded_film_is_recognised_by_its_frames(changes: dict[str, Any]) -> None:
    assert judged(film(1, **changes)).recognised_by == "frames"


@pytest.mark.usefixtures("video")
def test_another_film_is_not_recognised(other_clouds: bytes) -> None:
    assert asked(other_clouds)["made_here"] is False
    assert "We do not recognise this file." in said(send(Client(), other_clouds))


def test_unsigned_file_is_recognised_by_its_bytes(
    alice: User, clouds: bytes, settings: LazySettings
) -> None:
    settings.KEEP_FILES = False
    stored(alice, clouds)
    assert judged(clouds).recognised_by == "bytes"


def test_deleted_video_is_still_recognised(video: Video) -> None:
    body = without_manifest(path_of(video).read_bytes())
    removal.delete(video)
    assert judged(body).recognised_by == "frames"


def test_manifest_of_another_signer_is_untrusted_until_the_operator_trusts_it(
    clouds: bytes, tmp_path: Path, settings: LazySettings, db: None
) -> None:
    given, signed = tmp_path / "a.mp4", tmp_path / "b.mp4"
    given.write_bytes(clouds)
    signing.sign(given, signed, title="a", actions=[Action("c2pa.created", is_by_ai=True)])
    anchor = tmp_path / "anchor.pem"
    anchor.write_text(identity.current().anchor)
    own_identity.path().unlink()
    identity._read.cache_clear()
    body = signed.read_bytes()
    stranger = judged(body)
    settings.C2PA_TRUST_ANCHORS = str(anchor)
    trusted = judged(body)
    assert [each.is_trusted for each in (stranger, trusted)] == [False, True]
    for each in (stranger, trusted):
        assert (each.recognised_by, each.is_signed_here, each.is_altered) == ("", False, False)


def hostile(clouds: bytes) -> Iterator[bytes]:
    yield b"x"
    yield b"\0\0\0\x20ftypisom" + bytes(200)
    yield clouds[: len(clouds) // 2]
    yield clouds.replace(b"stsz", b"st\xff\xff").replace(b"avc1", b"\xff\xff\xff\xff")
    yield (2**32 - 1).to_bytes(4, "big") + b"moov" + bytes(64)
    yield b"\x1a\x45\xdf\xa3" + b"\xff" * 300


@pytest.mark.django_db
def test_broken_files_are_not_recognised_and_break_nothing(clouds: bytes) -> None:
    for body in hostile(clouds):
        found = judged(body)
        assert (found.recognised_by, found.manifest) == ("", None)


@pytest.mark.django_db
def test_file_that_ends_the_other_process_gets_a_sentence(
    settings: LazySettings, tmp_path: Path, clouds: bytes
) -> None:
    settings.BASE_DIR = tmp_path  # where the program of the process is not found
    answer = send(Client(), clouds)
    assert (answer.status_code, "It may be damaged." in said(answer)) == (422, True)


@pytest.mark.django_db
def test_bad_requests_get_a_sentence(settings: LazySettings, clouds: bytes) -> None:
    settings.VERIFY_MAX_BYTES = 1024**2
    client = Client()
    nothing, empty = client.post("/verify/"), send(client, b"")
    huge = send(client, bytes(1024**2 + 1))
    assert [each.status_code for each in (nothing, empty, huge)] == [422, 422, 413]
    assert "Choose a file first." in said(nothing)
    assert "The file is empty." in said(empty)
    assert "The file is larger than 1 MB." in said(huge)
    api = APIClient()
    sent = [
        api.post("/api/verify", {"file": SimpleUploadedFile("x.mp4", body)})
        for body in (b"", bytes(1024**2 + 1))
    ]
    assert [(each.status_code, each.json()["code"]) for each in sent] == [
        (400, "unreadable_file"), (413, "too_large"),
    ]  # fmt: skip
    assert api.post("/api/verify", {}).status_code == 422
    assert client.get("/verify/").status_code == 200
    assert client.put("/verify/").status_code == 405


@pytest.mark.django_db
def test_rate_counts_the_address_for_page_and_api(settings: LazySettings) -> None:
    settings.RATE_VERIFY = (2, 60)
    for _ in range(2):
        assert send(Client(), b"").status_code == 422
    refused = send(Client(), b"x")
    by_api = APIClient().post("/api/verify", {"file": SimpleUploadedFile("x.mp4", b"x")})
    assert [refused.status_code, by_api.status_code] == [429, 429]
    assert "Too many attempts." in said(refused)


def test_page_is_the_same_for_whoever_is_signed_in(bob: User, video: Video) -> None:
    client = Client()
    client.force_login(bob)
    assert "This was made here, with AI." in said(send(client, path_of(video).read_bytes()))
    token = signed_in(bob)
    file = SimpleUploadedFile("x.mp4", path_of(video).read_bytes())
    assert token.post("/api/verify", {"file": file}, format="multipart").json()["made_here"]


def test_texts_are_not_written_into_files_without_one_index(clouds: bytes, tmp_path: Path) -> None:
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    for body in (b"", clouds[:40], clouds.replace(b"moov", b"moox"), clouds + b"rest"):
        source.write_bytes(body)
        with pytest.raises(mp4_boxes.NotWritable):
            mp4_boxes.write_texts(source, target, [mp4_boxes.text_item(b"\xa9too", "x")])
        assert not target.exists()


def test_files_beyond_what_may_wait_are_answered_429(db: None, clouds: bytes) -> None:
    with ExitStack() as held:
        for _n in range(verification.MOST_WAITING):
            held.enter_context(verification._held_requests)
        body = {"file": SimpleUploadedFile("x.mp4", clouds)}
        answer = APIClient().post("/api/verify", body)
        page = send(Client(), clouds)
    assert (answer.status_code, page.status_code) == (429, 429)
    assert "Too many files are being checked" in said(page)
    assert asked(clouds)["recognised_by"] in {None, ""}
