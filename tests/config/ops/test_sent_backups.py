"""Backups are sent to a bucket: only what is new, and nothing is deleted that a kept one needs."""

import json
from hashlib import sha256
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from config.ops.backup_bucket import BackupBucket
from config.ops.backup_keys import BackupError

NAMES = [f"2026010{n}T000000Z" for n in (1, 2, 3)]


def write_backup(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    """Write a backup as `backup` leaves it; the bucket does not ask what the files are."""
    copy = folder / name
    for file, body in files.items():
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        (copy / file).write_bytes(body)
    about = {name: {"bytes": len(b), "sha256": digest(b)} for name, b in files.items()}
    (copy / "manifest.json").write_text(json.dumps({"files": about}))
    return copy


def digest(body: bytes) -> str:
    return sha256(body).hexdigest()


@pytest.fixture
def remote(s3: Any, bucket: str, settings: LazySettings) -> BackupBucket:
    settings.BACKUP_S3_BUCKET = bucket
    settings.BACKUP_S3_OPTIONS = {
        "aws_access_key_id": "key",
        "aws_secret_access_key": "secret",
        "endpoint_url": s3.meta.endpoint_url,
        "region_name": None,
    }
    return BackupBucket()


def keys(s3: Any, bucket: str) -> list[str]:
    return [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]


def test_only_new_files_are_sent_and_old_ones_go_when_no_backup_needs_them(
    remote: BackupBucket, s3: Any, bucket: str, tmp_path: Path
) -> None:
    folder = tmp_path / "copies"
    bodies = [
        {"database.dump": b"one", "media/a.mp4": b"film", "media/old.mp4": b"old"},
        {"database.dump": b"two", "media/a.mp4": b"film", "media/copy.mp4": b"film"},
        {"database.dump": b"three", "media/a.mp4": b"film"},
    ]
    s3.put_object(Bucket=bucket, Key="objects/young", Body=b"being sent by another process")
    s3.put_object(Bucket=bucket, Key="photos/x", Body=b"another program's")
    copies = [write_backup(folder, name, body) for name, body in zip(NAMES, bodies, strict=True)]
    assert [remote.send(copy) for copy in copies[:2]] == [3, 1]
    assert remote.send(copies[1]) == 0
    assert remote.names() == NAMES[:2]
    out = StringIO()
    call_command("backup", "--to", str(folder), "--only-send", "--keep", "2", stdout=out)
    assert out.getvalue().strip() == str(copies[2])
    assert remote.names() == NAMES[1:]
    assert (folder / "sent").read_text() == NAMES[2]
    left = {f"objects/{digest(body)}" for body in (b"film", b"two", b"three")}
    others = {"objects/young", "photos/x"}
    assert set(keys(s3, bucket)) == left | others | {f"{n}/manifest.json" for n in NAMES[1:]}
    # A lost machine: the newest comes back as it was.
    out = StringIO()
    call_command("fetch_backup", "--to", str(tmp_path / "back"), stdout=out)
    back = Path(out.getvalue().strip())
    assert back == tmp_path / "back" / NAMES[2]
    assert {f: (back / f).read_bytes() for f in bodies[2]} == bodies[2]
    assert (back / "manifest.json").read_bytes() == (copies[2] / "manifest.json").read_bytes()


def test_fetching_goes_on_and_tells_what_has_changed(
    remote: BackupBucket, s3: Any, bucket: str, tmp_path: Path
) -> None:
    copy = write_backup(tmp_path / "copies", NAMES[0], {"a": b"film", "b": b"other"})
    remote.send(copy)
    s3.put_object(Bucket=bucket, Key=f"objects/{digest(b'other')}", Body=b"OTHER")
    with pytest.raises(BackupError, match="b has changed in the bucket"):
        remote.fetch(NAMES[0], tmp_path / "back")
    partial = tmp_path / "back" / f"{NAMES[0]}.partial"
    assert [path.name for path in partial.iterdir()] == ["a"]
    s3.put_object(Bucket=bucket, Key=f"objects/{digest(b'other')}", Body=b"other")
    s3.delete_object(Bucket=bucket, Key=f"objects/{digest(b'film')}")  # it is not asked for again
    assert (remote.fetch(NAMES[0], tmp_path / "back") / "b").read_bytes() == b"other"
    with pytest.raises(CommandError, match=r"the bucket of backups: .*NoSuchKey"):
        call_command("fetch_backup", "20200101T000000Z", "--to", str(tmp_path))


def test_nothing_is_deleted_when_a_kept_manifest_cannot_be_read(
    remote: BackupBucket, s3: Any, bucket: str, tmp_path: Path
) -> None:
    copies = [write_backup(tmp_path, name, {"a": name.encode()}) for name in NAMES]
    for copy in copies[:2]:
        remote.send(copy)
    s3.put_object(Bucket=bucket, Key=f"{NAMES[1]}/manifest.json", Body=b"{")
    with pytest.raises(BackupError, match="a manifest cannot be read"):
        remote.send(copies[2], keep=2)
    assert len(keys(s3, bucket)) == 6
