"""Read what is to be brought in: the ZIP of a data export with its files, or a folder of MP4s.

What is read comes from strangers: every value is checked, and no name in it becomes a path of ours.
"""

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol
from uuid import UUID

from django.conf import settings
from django.utils.dateparse import parse_datetime

from config.lib import texts
from videos.catalog.offers import NEGATIVE_PROMPT_MAX, PROMPT_MAX
from videos.models import Video
from videos.models.video_names import MAX_TITLE

# One JSON file of an export: the rows of some 300,000 videos.
JSON_BYTES = 512 * 1024**2
CHUNK_BYTES = 256 * 1024
NAME = re.compile(r"[\w.:/@+-]{1,64}")


# What reading a damaged, encrypted or unknown member of a ZIP raises.
DAMAGED = (OSError, zipfile.BadZipFile, EOFError, zlib.error, RuntimeError)
# Nothing was made by AI before.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)


class UnreadableBundle(Exception):
    """Nothing of it can be brought in; the text says why."""


class BadRow(Exception):
    """This video cannot be brought in; the text says why."""


@dataclass(frozen=True)
class ImportedVideo:
    """One finished video as its export describes it; ids are those of the other installation."""

    old_id: UUID
    prompt: str
    created_at: datetime
    sha256: str = ""
    operation: str = Video.Operation.TEXT
    title: str | None = None
    negative_prompt: str = ""
    model: str = ""
    seed: int | None = None
    is_favourite: bool = False
    source_id: UUID | None = None
    retry_of_id: UUID | None = None
    take_group: UUID | None = None
    take_number: int | None = None
    take_count: int | None = None
    is_picked: bool = False
    metadata: dict[str, str] = field(default_factory=dict)


class Bundle(Protocol):
    """What is brought in."""

    def videos(self) -> Iterator[ImportedVideo | BadRow]:
        """Yield the finished videos with a file, sources before what was made of them."""

    def copy_file(self, video: ImportedVideo, target: IO[bytes]) -> None:
        """Write the video's file to `target`. Raises BadRow for a missing or another file."""

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of another JSON file of an export; [] where there is none."""


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open a ZIP or a folder. Raises UnreadableBundle."""
    if path.is_dir():
        yield Folder(path)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            yield Export(archive)
    except (OSError, zipfile.BadZipFile) as error:
        raise UnreadableBundle(f"{path}: {error}") from error


class Export:
    """The ZIP of a data export, whose folder `files` has an MP4 for each video."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        if "videos.json" not in archive.namelist():
            raise UnreadableBundle("there is no videos.json: this is no data export")

    def videos(self) -> Iterator[ImportedVideo | BadRow]:
        rows = self.rows("videos.json")
        oldest_first = sorted(rows, key=lambda row: str(row.get("created_at", "")))
        for row in oldest_first:
            if row.get("status") != Video.Status.SUCCEEDED or row.get("deleted_at"):
                continue
            try:
                video = read_row(row)
            except BadRow as error:
                yield error
                continue
            # A file that stayed at its engine is not in the export.
            if self._name_of(video) in self._archive.NameToInfo:
                yield video

    def copy_file(self, video: ImportedVideo, target: IO[bytes]) -> None:
        try:
            with self._archive.open(self._name_of(video)) as source:
                _copy(source, target, video)
        except DAMAGED as error:
            raise BadRow(f"{video.old_id}: the file cannot be read: {error}") from error

    def rows(self, name: str) -> list[dict[str, Any]]:
        info = self._archive.NameToInfo.get(name)
        if info is None:
            return []
        if info.file_size > JSON_BYTES:
            raise UnreadableBundle(f"{name} has more than {JSON_BYTES} bytes")
        try:
            with self._archive.open(info) as file:
                found = json.loads(file.read(JSON_BYTES))
        except (*DAMAGED, ValueError, RecursionError) as error:
            raise UnreadableBundle(f"{name}: {error}") from error
        if not isinstance(found, list):
            raise UnreadableBundle(f"{name}: expected a list")
        return [row for row in found if isinstance(row, dict)]

    def _name_of(self, video: ImportedVideo) -> str:
        return f"files/{video.old_id}.mp4"


class Folder:
    """A folder of MP4s; `name.json` beside `name.mp4` may say what `read_row` reads.

    A file keeps its id by its content, so that it is brought in once, whatever its name is.
    """

    def __init__(self, path: Path) -> None:
        self._files: dict[UUID, Path] = {}
        self._path = path

    def videos(self) -> Iterator[ImportedVideo | BadRow]:
        files = (path for path in self._path.iterdir() if path.is_file())
        found = [path for path in files if path.suffix.lower() == ".mp4"]
        if not found:
            raise UnreadableBundle(f"{self._path}: there is no MP4 in it")
        for path in sorted(found, key=lambda path: (path.stat().st_mtime, path.name)):
            try:
                yield self._read(path)
            except (BadRow, OSError) as error:
                yield BadRow(f"{path.name}: {error}")

    def _read(self, path: Path) -> ImportedVideo:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        made_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        row = {"prompt": path.stem, "created_at": made_at.isoformat(), **self._beside(path)}
        old_id = UUID(sha256[:32])
        self._files[old_id] = path
        return read_row({**row, "id": str(old_id), "file_sha256": sha256})

    def _beside(self, path: Path) -> dict[str, Any]:
        """What the JSON file beside an MP4 says. Raises BadRow."""
        beside = path.with_suffix(".json")
        if not beside.is_file():
            return {}
        try:
            row = json.loads(beside.read_bytes())
        except (ValueError, RecursionError) as error:
            raise BadRow(f"{beside.name}: {error}") from error
        if not isinstance(row, dict):
            raise BadRow(f"{beside.name}: expected an object")
        return row

    def copy_file(self, video: ImportedVideo, target: IO[bytes]) -> None:
        try:
            with self._files[video.old_id].open("rb") as source:
                _copy(source, target, video)
        except OSError as error:
            raise BadRow(f"{self._files[video.old_id].name}: {error}") from error

    def rows(self, _name: str) -> list[dict[str, Any]]:
        return []


def _copy(source: IO[bytes], target: IO[bytes], video: ImportedVideo) -> None:
    left, digest = settings.RESULT_MAX_BYTES, hashlib.sha256()
    try:
        # Whatever the ZIP says of the file's size.
        while (piece := source.read(CHUNK_BYTES)) and left >= 0:
            left -= target.write(piece)
            digest.update(piece)
    except DAMAGED as error:
        raise BadRow(f"{video.old_id}: the file cannot be read: {error}") from error
    target.flush()
    if left < 0:
        raise BadRow(f"{video.old_id}: the file has more than RESULT_MAX_BYTES")
    if digest.hexdigest() != video.sha256:
        raise BadRow(f"{video.old_id}: the file is not the one that the export describes (SHA-256)")


# ---- one row ----


def read_row(row: dict[str, Any]) -> ImportedVideo:
    """Read what a row of videos.json says of a video. Raises BadRow."""
    old_id = uuid_of(row.get("id"))
    if old_id is None:
        raise BadRow(f"a video without an id: {str(row)[:80]}")
    prompt = _text(row, "prompt", PROMPT_MAX, old_id)
    if texts.is_blank(prompt):
        raise BadRow(f"{old_id}: there is no prompt")
    operation = row.get("operation", Video.Operation.TEXT)
    sha256 = row.get("file_sha256", "")
    if operation not in Video.Operation.values:
        raise BadRow(f"{old_id}: no operation: {str(operation)[:20]!r}")
    if not (isinstance(sha256, str) and re.fullmatch(r"[0-9a-f]{64}", sha256)):
        raise BadRow(f"{old_id}: there is no SHA-256 of its file")
    return ImportedVideo(
        old_id=old_id,
        prompt=prompt,
        created_at=_time(row, "created_at", old_id),
        sha256=sha256,
        operation=operation,
        title=_text(row, "title", MAX_TITLE, old_id) or None,
        negative_prompt=_text(row, "negative_prompt", NEGATIVE_PROMPT_MAX, old_id),
        model=_name(row, "model", old_id),
        seed=_number(row, "seed", 2**63 - 1),
        is_favourite=bool(row.get("favourited_at")),
        source_id=uuid_of(row.get("source_id")),
        retry_of_id=uuid_of(row.get("retry_of_id")),
        take_group=uuid_of(row.get("take_group")),
        take_number=_number(row, "take_number", 1000),
        take_count=_number(row, "take_count", 1000),
        is_picked=bool(row.get("picked_at")),
        metadata=_metadata(row),
    )


def _text(row: dict[str, Any], name: str, most: int, old_id: UUID) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most:
        raise BadRow(f"{old_id}: {name} is no text of at most {most} characters")
    return texts.storable(value)


def _name(row: dict[str, Any], name: str, old_id: UUID) -> str:
    value = row.get(name) or "unknown"
    if not isinstance(value, str) or not NAME.fullmatch(value):
        raise BadRow(f"{old_id}: {name} is no name of at most 64 characters")
    return value


def _time(row: dict[str, Any], name: str, old_id: UUID) -> datetime:
    try:
        found = parse_datetime(str(row.get(name)))
    except ValueError:
        found = None
    if found is None:
        raise BadRow(f"{old_id}: {name} is no time")
    try:
        at = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        at = EARLIEST
    return min(max(at, EARLIEST), datetime.now(UTC))


def uuid_of(value: object) -> UUID | None:
    """A value of a row as an id; None for anything else."""
    try:
        return UUID(value)  # type: ignore[arg-type]
    except (ValueError, TypeError, AttributeError):
        return None


def _number(row: dict[str, Any], name: str, most: int) -> int | None:
    value = row.get(name)
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
    return value if is_number else None


def _metadata(row: dict[str, Any]) -> dict[str, str]:
    found = row.get("metadata")
    pairs: Iterable[tuple[Any, Any]] = found.items() if isinstance(found, dict) else ()
    plain = [
        (texts.storable(str(name)), texts.storable(value))
        for name, value in pairs
        if isinstance(value, str)
    ]
    fits = [(name, value) for name, value in plain if len(name) <= 64 and len(value) <= 512]
    return dict(fits[:16])
