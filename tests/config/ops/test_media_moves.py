"""`manage.py move_media`: media goes into a bucket and back, verified, and nothing is lost."""

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from config.ops.media_moves import Move
from config.ops.media_places import Folder
from config.ops.reading import Readable

FILES = {"videos/a.mp4": b"film", "uploads/b.webp": b"picture", "c.mp4": b""}


@pytest.fixture
def media(tmp_path: Path, settings: LazySettings) -> Path:
    """The folder of media, with files."""
    settings.DATA_DIR = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.S3_BUCKET = ""
    for name, body in FILES.items():
        (settings.MEDIA_ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (settings.MEDIA_ROOT / name).write_bytes(body)
    return Path(settings.MEDIA_ROOT)


def move(*words: str) -> list[str]:
    out = StringIO()
    call_command("move_media", *words, stdout=out)
    return out.getvalue().splitlines()


def objects(s3: Any, bucket: str) -> dict[str, bytes]:
    listed = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    keys = [item["Key"] for item in listed]
    return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_media_goes_into_a_bucket_and_back_while_the_site_runs(
    media: Path, s3: Any, bucket: str, settings: LazySettings
) -> None:
    switch = f"Now set S3_BUCKET={bucket}, restart every process, and run this again for what"
    with pytest.raises(CommandError, match="Name the bucket"):
        move("bucket")
    assert move("bucket", "--bucket", bucket) == ["3 copied", f"{switch} arrived meanwhile."]
    assert objects(s3, bucket) == FILES
    assert files(media) == FILES
    found = s3.head_object(Bucket=bucket, Key="videos/a.mp4")
    assert found["ContentType"] == "video/mp4"
    with pytest.raises(CommandError, match="The site still uses the source"):
        move("bucket", "--bucket", bucket, "--delete-source")
    # A file arrives in the folder, the site is switched, and a user deletes and changes files.
    (media / "late.mp4").write_bytes(b"late")
    settings.S3_BUCKET = bucket
    s3.delete_object(Bucket=bucket, Key="videos/a.mp4")
    s3.put_object(Bucket=bucket, Key="c.mp4", Body=b"newer")
    expected = {"uploads/b.webp": b"picture", "c.mp4": b"newer", "late.mp4": b"late"}
    assert move("bucket") == ["1 copied", "2 were there", "1 were deleted by users meanwhile"]
    assert objects(s3, bucket) == expected
    assert move("bucket", "--delete-source") == [
        "2 were there",
        "1 were deleted by users meanwhile",
        "1 differ from those in use, which stay: c.mp4",
        "3 deleted at the source",
    ]
    assert (objects(s3, bucket), files(media)) == (expected, {"c.mp4": b""})
    # And back: the folder is not in use, so its old file is replaced.
    s3.put_object(Bucket=bucket, Key="../outside", Body=b"another program's")
    assert move("folder")[0] == "3 copied"
    assert files(media) == expected
    settings.S3_BUCKET = ""
    assert move("folder", "--bucket", bucket, "--delete-source") == [
        "3 were there",
        "3 deleted at the source",
    ]
    assert objects(s3, bucket) == {"../outside": b"another program's"}
    assert not (media.parent / "outside").exists()


class FailingFolder(Folder):
    """A folder on a disk that damages one file, and has place for only so many."""

    def __init__(self, path: Path, room: int) -> None:
        super().__init__(path)
        self.room = room

    def write(self, name: str, file: Readable) -> None:
        self.room -= 1
        if self.room < 0:
            raise OSError("no space left")
        super().write(name, file)
        if name == "c.mp4":
            (self.path / name).write_bytes(b"damaged")


def test_move_goes_on_where_it_was_broken_off_and_deletes_nothing_that_differs(
    media: Path, tmp_path: Path
) -> None:
    journal, disk = tmp_path / "journal", FailingFolder(tmp_path / "other", 2)
    with pytest.raises(OSError, match="no space left"):
        Move(Folder(media), disk, journal).run()
    journal.write_text(journal.read_text() + '["half')
    disk.room = 2
    went_on = Move(Folder(media), disk, journal, in_use=True, delete_source=True).run()
    assert went_on.broken == ["c.mp4"]
    assert went_on.deleted == ["uploads/b.webp", "videos/a.mp4"]
    assert files(media) == {"c.mp4": b""}
    assert files(disk.path) == {"uploads/b.webp": b"picture", "videos/a.mp4": b"film"}
