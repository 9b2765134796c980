"""A data export with its files is brought into another account: each video once."""

import asyncio
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from billing.models import Entry
from tests.videos.conftest import clip, completed, order, reloaded
from videos.account.bundles import importing, reading
from videos.account.bundles.importing import new_id
from videos.jobs import orders, state_machine
from videos.library import tags, titles
from videos.models import Collection, FeedEvent, SavedPrompt, Video, WebhookDelivery
from videos.prompts import saved

Members = dict[str, Any]


def export_of(user: User, path: Path) -> Path:
    file = path / "export.zip"
    call_command("export_account", user.username, file, verbosity=0)
    return file


def bring_in(user: User, path: Path) -> tuple[int, int, list[str]]:
    """How many videos were imported and how many kept, and the lines refused."""
    with reading.open_bundle(path) as bundle:
        *_rest, report = importing.import_bundle(user, bundle)
    return report.imported, report.kept, report.refused


def finished(video: Video, body: bytes) -> Video:
    """Complete a video with this file, and with the SHA-256 that it has."""
    sha256 = hashlib.sha256(body).hexdigest()
    Video.objects.filter(pk=completed(video, body).pk).update(file_sha256=sha256)
    return reloaded(video)


def family(user: User) -> tuple[Video, Video]:
    """A finished video with a title in a collection, and a remix of it."""
    boat = finished(order(user, "A boat on a lake"), clip())
    titles.rename(boat, "The lake")
    Collection.objects.create(user=user, name="Boats").videos.add(boat)
    tags.add([boat], ["Water"])
    remix = finished(orders.remix(boat, "It snows"), clip(frames=30))
    return boat, remix


def written(path: Path, members: Members) -> Path:
    """A ZIP with these members: lists become JSON."""
    file = path / "made.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name, member in members.items():
            body = member if isinstance(member, bytes) else json.dumps(member).encode()
            archive.writestr(name, body)
    return file


def row_of(body: bytes, **fields: Any) -> Members:
    sha256 = hashlib.sha256(body).hexdigest()
    known = {"id": str(uuid4()), "prompt": "A fox", "created_at": "2026-01-02T03:04:05Z"}
    return {**known, "status": "succeeded", "file_sha256": sha256, **fields}


def bundle_of(path: Path, body: bytes, **fields: Any) -> Path:
    row = row_of(body, **fields)
    return written(path, {"videos.json": [row], f"files/{row['id']}.mp4": body})


def test_videos_come_with_prompt_title_lineage_collection_and_file(
    alice: User, bob: User, tmp_path: Path
) -> None:
    boat, remix = family(alice)
    saved.save(alice, "A kite")
    before = credits.available(bob)
    assert bring_in(bob, export_of(alice, tmp_path)) == (2, 0, [])
    lake, snow = Video.objects.of(bob).order_by("created_at")
    assert [lake.prompt, lake.title, snow.prompt] == ["A boat on a lake", "The lake", "It snows"]
    assert (snow.source_id, snow.operation, lake.pk) == (lake.pk, "remix", new_id(bob, boat.pk))
    # An export has times with milliseconds.
    made_at = boat.created_at.isoformat(timespec="milliseconds")
    assert lake.created_at.isoformat(timespec="milliseconds") == made_at
    assert (lake.status, lake.credits) == ("succeeded", 0)
    with default_storage.open(str(lake.file)) as file:
        assert hashlib.sha256(file.read()).hexdigest() == lake.file_sha256
    assert default_storage.exists(str(lake.thumbnail))
    (boats,) = Collection.objects.filter(user=bob)
    assert (boats.name, list(boats.videos.all())) == ("Boats", [lake])
    assert [tag.name for tag in lake.tags.all()] == ["Water"]
    assert [one.text for one in SavedPrompt.objects.filter(user=bob)] == ["A kite"]
    assert credits.available(bob) == before
    assert remix.seconds == 4


def test_repetition_changes_nothing_and_goes_on_where_it_stopped(
    alice: User, bob: User, tmp_path: Path
) -> None:
    family(alice)
    file = export_of(alice, tmp_path)
    with reading.open_bundle(file) as bundle:
        next(importing.import_bundle(bob, bundle))
    assert Video.objects.of(bob).count() == 1
    assert bring_in(bob, file) == (1, 1, [])
    assert bring_in(bob, file) == (0, 2, [])
    assert Video.objects.of(bob).count() == 2


def test_deleted_video_is_not_brought_in_again(alice: User, bob: User, tmp_path: Path) -> None:
    boat, _remix = family(alice)
    file = export_of(alice, tmp_path)
    bring_in(bob, file)
    Video.objects.filter(pk=new_id(bob, boat.pk)).update(deleted_at=boat.created_at)
    assert bring_in(bob, file) == (0, 2, [])
    assert [video.prompt for video in Video.objects.of(bob)] == ["It snows"]


def test_webhooks_are_not_sent_for_imported_videos(alice: User, bob: User, tmp_path: Path) -> None:
    family(alice)
    bring_in(bob, export_of(alice, tmp_path))
    assert WebhookDelivery.objects.filter(user=bob).count() == 0
    assert {event.user_id for event in FeedEvent.objects.all()} == {alice.pk, bob.pk}


def test_credit_history_comes_as_lines_and_never_as_credits(
    alice: User, bob: User, tmp_path: Path, client: Client
) -> None:
    family(alice)
    entries = Entry.objects.filter(account__user_id=bob.pk).count()
    for _ in range(2):
        bring_in(bob, export_of(alice, tmp_path))
    client.force_login(bob)
    answer: Any = client.get("/billing/before.csv")
    lines = b"".join(answer).decode().splitlines()
    assert len(lines) == 1 + Entry.objects.filter(account__user_id=alice.pk).count()
    assert Entry.objects.filter(account__user_id=bob.pk).count() == entries
    assert "/billing/before.csv" in client.get("/billing/").content.decode()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"file_sha256": "0" * 64}, "SHA-256"),
        ({"file_sha256": None}, "there is no SHA-256"),
        ({"prompt": " "}, "there is no prompt"),
        ({"prompt": "x" * 5001}, "prompt is no text"),
        ({"prompt": 7}, "prompt is no text"),
        ({"title": "x" * 101}, "title is no text"),
        ({"created_at": "yesterday"}, "created_at is no time"),
        ({"created_at": "2026-13-45T00:00:00Z"}, "created_at is no time"),
        ({"operation": "theft"}, "no operation"),
        ({"model": "../../etc\n"}, "model is no name"),
        ({"id": "../../x"}, "without an id"),
    ],
)
def test_bad_row_is_refused_and_the_others_come_in(
    bob: User, tmp_path: Path, change: Members, why: str
) -> None:
    body = clip()
    bad, good = row_of(body), row_of(body, prompt="A good fox")
    members = {f"files/{row['id']}.mp4": body for row in (bad, good)}
    file = written(tmp_path, {"videos.json": [{**bad, **change}, good], **members})
    imported, kept, (refusal,) = bring_in(bob, file)
    assert (imported, kept, why in refusal) == (1, 0, True), refusal
    assert [video.prompt for video in Video.objects.of(bob)] == ["A good fox"]


@pytest.mark.parametrize("body", [b"no video", b"\0\0\0\x18ftypmp42" + b"\0" * 200])
def test_file_that_is_no_video_is_refused(bob: User, tmp_path: Path, body: bytes) -> None:
    imported, kept, refused = bring_in(bob, bundle_of(tmp_path, body))
    assert (imported, kept, len(refused)) == (0, 0, 1)
    assert Video.objects.of(bob).count() == 0


def test_file_above_the_limit_is_refused(bob: User, tmp_path: Path, settings: LazySettings) -> None:
    settings.RESULT_MAX_BYTES = 100
    _imported, _kept, (refusal,) = bring_in(bob, bundle_of(tmp_path, clip()))
    assert "RESULT_MAX_BYTES" in refusal


def test_failed_deleted_and_missing_videos_are_left_out(bob: User, tmp_path: Path) -> None:
    body = clip()
    rows = [row_of(body, status="failed"), row_of(body, deleted_at="2026-01-02T03:04:05Z")]
    members = {f"files/{row['id']}.mp4": body for row in rows}
    file = written(tmp_path, {"videos.json": [*rows, row_of(body)], **members})
    assert bring_in(bob, file) == (0, 0, [])


def test_remix_whose_source_stays_behind_becomes_a_video_of_its_own(
    bob: User, tmp_path: Path
) -> None:
    bring_in(bob, bundle_of(tmp_path, clip(), operation="remix", source_id=str(uuid4())))
    (video,) = Video.objects.of(bob)
    assert (video.operation, video.source_id) == ("text", None)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: written(path, {"other.json": []}),
        lambda path: written(path, {"videos.json": b"{"}),
        lambda path: written(path, {"videos.json": b'{"a": 1}'}),
        lambda path: path / "nothing.zip",
        lambda path: path,
    ],
)
def test_what_is_no_bundle_is_refused_whole(
    bob: User, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    with pytest.raises(CommandError):
        call_command("import_videos", bob.username, make(tmp_path))
    with pytest.raises(CommandError, match="no active user nobody"):
        call_command("import_videos", "nobody", tmp_path)


def test_folder_of_mp4s_comes_in_with_what_is_written_beside_them(
    bob: User, tmp_path: Path
) -> None:
    (tmp_path / "a kite.mp4").write_bytes(clip())
    (tmp_path / "boat.mp4").write_bytes(clip(frames=48))
    row = {"prompt": "A boat\nin fog", "title": "Fog", "model": "wan-2.2", "seed": 7}
    (tmp_path / "boat.json").write_text(json.dumps(row))
    (tmp_path / "broken.mp4").write_bytes(clip(frames=12))
    (tmp_path / "broken.json").write_text("[")
    (tmp_path / "notes.txt").write_text("x")
    imported, kept, (refusal,) = bring_in(bob, tmp_path)
    assert (imported, kept, "broken.json" in refusal) == (2, 0, True)
    found = Video.objects.of(bob).order_by("prompt")
    assert [(v.prompt, v.title, v.model, v.seed, v.seconds) for v in found] == [
        ("A boat\nin fog", "Fog", "wan-2.2", 7, 2),
        ("a kite", None, "unknown", None, 1),
    ]
    (tmp_path / "a kite.mp4").rename(tmp_path / "renamed.mp4")
    assert bring_in(bob, tmp_path)[:2] == (0, 2)


def test_download_of_page_and_api_has_the_files(
    api: APIClient, page: Client, alice: User, bob: User, tmp_path: Path
) -> None:
    boat, remix = family(alice)

    async def read(answer: Any) -> bytes:
        return b"".join([chunk async for chunk in answer.streaming_content])

    page.post("/accounts/reauthenticate/", {"password": "alice-password"})
    for answer in (
        api.get("/api/users/export?files=1"),
        page.post("/settings/data/export/", {"files": "1"}),
    ):
        assert answer.status_code == 200, answer.content
        file = tmp_path / "download.zip"
        file.write_bytes(asyncio.run(read(answer)))
        with zipfile.ZipFile(io.BytesIO(file.read_bytes())) as archive:
            names = {name for name in archive.namelist() if name.startswith("files/")}
            assert archive.testzip() is None
        assert names == {f"files/{video.pk}.mp4" for video in (boat, remix)}
    assert bring_in(bob, file) == (2, 0, [])


def test_imported_video_is_shown_and_deleted_like_others(
    bob: User, tmp_path: Path, client: Client
) -> None:
    bring_in(bob, bundle_of(tmp_path, clip(), model="gone-1", operation="image"))
    (video,) = Video.objects.of(bob)
    client.force_login(bob)
    for path in (f"/v/{video.pk}/", "/library/", "/usage/", f"/api/videos/{video.pk}"):
        assert client.get(path).status_code == 200
    assert state_machine.Status(video.status) == "succeeded"
    assert client.post(f"/v/{video.pk}/delete/").status_code == 303


def broken_zip(path: Path, how: str) -> Path:
    """A bundle of two videos, the file of the first of which cannot be unpacked."""
    body = clip()  # two encodings may differ in a byte
    rows = [row_of(body, prompt="Broken"), row_of(body, prompt="Whole")]
    rows[1]["created_at"] = "2026-02-02T00:00:00Z"
    file = path / "made.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("videos.json", json.dumps(rows))
        for row in rows:
            archive.writestr(f"files/{row['id']}.mp4", body)
        first = archive.infolist()[1]
    raw = bytearray(file.read_bytes())
    data = first.header_offset + 30 + len(first.filename)
    entry = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 1)
    if how == "damaged":
        raw[data : data + 40] = b"\xff" * 40
    elif how == "encrypted":
        raw[first.header_offset + 6] |= 1
        raw[entry + 8] |= 1
    else:
        raw[first.header_offset + 8] = raw[entry + 10] = 99
    file.write_bytes(raw)
    return file


@pytest.mark.parametrize("how", ["damaged", "encrypted", "of an unknown compression"])
def test_member_that_cannot_be_unpacked_is_refused_and_the_rest_comes_in(
    bob: User, tmp_path: Path, how: str
) -> None:
    imported, kept, refused = bring_in(bob, broken_zip(tmp_path, how))
    assert (imported, kept, len(refused)) == (1, 0, 1)
    assert [video.prompt for video in Video.objects.of(bob)] == ["Whole"]


def test_halves_of_characters_and_impossible_times_do_no_harm(
    bob: User, tmp_path: Path, client: Client
) -> None:
    half, body = "x\ud800\x00", clip()
    stated = {"metadata": {half: half}, "created_at": "0001-01-01T00:00:00+14:00", "prompt": half}
    row = row_of(body, **stated)
    members = {
        "videos.json": [row],
        f"files/{row['id']}.mp4": body,
        "collections.json": [{"name": half, "videos": [row["id"]]}],
        "tags.json": [{"name": half, "videos": [row["id"]]}],
        "prompts.json": [{"text": half}],
        "credits.json": [
            {**stated, "id": row["id"], "type": "spent", "amount": 1, "balance_after": 1}
            | {"description": half, "created_at": "2026-01-01T00:00:00Z"}
        ],
    }
    assert bring_in(bob, written(tmp_path, members)) == (1, 0, [])
    (video,) = Video.objects.of(bob)
    assert (video.prompt, video.metadata, video.created_at.year) == ("x", {"x": "x"}, 2000)
    assert [tag.name for tag in video.tags.all()] == ["x"]
    assert [one.name for one in Collection.objects.filter(user=bob)] == ["x"]
    client.force_login(bob)
    assert client.get("/api/videos").status_code == 200
    assert export_of(bob, tmp_path).stat().st_mode & 0o777 == 0o600


def test_folders_and_links_that_lead_nowhere_are_no_videos(bob: User, tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nothing")
    (tmp_path / "fox.mp4").write_bytes(clip())
    assert bring_in(bob, tmp_path) == (1, 0, [])
