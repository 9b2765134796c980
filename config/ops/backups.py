"""Backups of the database and the media, each with a manifest of checksums.

    DIR/20261121T151500Z/   manifest.json   database.sqlite3 | database.dump   media/...

A backup is built under another name and renamed when it is complete. The database is copied first:
files that arrive later are extra, and the product can handle a row whose file was just deleted.
Secrets are left out. Media in a bucket is copied only when that is asked for: the bucket may keep
versions itself, and be large.

A media file of the size and time that it has in the newest complete backup becomes a hard link to
the copy there, where the file system has them. So each backup is complete by itself, and takes only
the place of what is new.
"""

import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

STAMP = re.compile(r"\d{8}T\d{6}Z")
MANIFEST = "manifest.json"
PARAMETERS = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
}


class BackupError(Exception):
    """Why a backup cannot be made or restored; nothing was changed."""


def create_backup(folder: Path, keep: int = 0, *, with_bucket: bool = False) -> Path:
    """Make a backup in `folder` and return its path; delete all but the newest `keep`, if given.

    `with_bucket` copies media in a bucket too. Raises BackupError.
    """
    made_at = timezone.now()
    final = folder / made_at.strftime("%Y%m%dT%H%M%SZ")
    draft = final.with_name(f"{final.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    before = next(reversed(complete_backups(folder)), None)
    _dump(draft)
    if settings.S3_BUCKET:
        if with_bucket:
            _copy_bucket(draft / "media")
    elif settings.MEDIA_ROOT.exists():
        copy = _copy if before is None else partial(_link_or_copy, before / "media")
        shutil.copytree(settings.MEDIA_ROOT, draft / "media", copy_function=copy)
    known = {} if before is None else _files_of(before)
    files = {
        name: _known(draft, before, known, name) or _describe(draft / name)
        for name in _names(draft)
    }
    about = {"version": settings.VERSION, "made_at": made_at.isoformat(), "files": files}
    (draft / MANIFEST).write_text(json.dumps(about, indent=1))
    draft.rename(final)
    if keep:
        for old in complete_backups(folder)[:-keep]:
            shutil.rmtree(old)
    return final


def complete_backups(folder: Path) -> list[Path]:
    """Return the complete backups in a folder, oldest first."""
    found = (path for path in folder.iterdir() if STAMP.fullmatch(path.name))
    return sorted(path for path in found if (path / MANIFEST).exists())


def find_problems(copy: Path) -> list[str]:
    """Return what is wrong with a backup; nothing when it is intact."""
    try:
        files = json.loads((copy / MANIFEST).read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{MANIFEST} cannot be read: {error}"]
    there = set(_names(copy)) - {MANIFEST}
    found = [f"{name} is missing" for name in sorted(set(files) - there)]
    found += [f"{name} is not in the manifest" for name in sorted(there - set(files))]
    for name in sorted(there & set(files)):
        if _describe(copy / name) != files[name]:
            found.append(f"{name} has changed")
    return found or _broken_database(copy)


def restore_backup(copy: Path) -> int:
    """Restore a backup into an empty database and return the number of media files.

    Media goes to the folder or the bucket that is configured now: media of the same name is
    replaced, other media stays. Raises BackupError.
    """
    if found := find_problems(copy):
        raise BackupError("; ".join(found))
    _load(copy)
    media = copy / "media"
    names = list(_names(media)) if media.exists() else []
    if settings.S3_BUCKET:
        for name in names:
            with (media / name).open("rb") as file:
                default_storage.save(name, File(file))
    elif names:
        shutil.copytree(media, settings.MEDIA_ROOT, copy_function=shutil.copy2, dirs_exist_ok=True)
    return len(names)


def _dump(draft: Path) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(draft / "database.sqlite3")])
    else:
        _postgres("pg_dump", "--format=custom", f"--file={draft / 'database.dump'}")


def _load(copy: Path) -> None:
    if connection.vendor == "sqlite":
        source, target = copy / "database.sqlite3", Path(connection.settings_dict["NAME"])
        if not source.exists():
            raise BackupError("it is a backup of a PostgreSQL database")
        # SQLite would apply a journal left by a crash to the restored database.
        old = [path for path in (target, *_journals(target)) if path.exists()]
        if old:
            raise BackupError(f"move these files away first: {', '.join(map(str, old))}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, draft := target.with_name(f"{target.name}.restoring"))
        draft.rename(target)
        return
    if not (copy / "database.dump").exists():
        raise BackupError("it is a backup of a SQLite database")
    if connection.introspection.table_names():
        raise BackupError("the database is not empty: create a new one")
    name = connection.get_connection_params()["dbname"]
    arguments = ["--no-owner", "--exit-on-error", "--single-transaction", f"--dbname={name}"]
    _postgres("pg_restore", *arguments, str(copy / "database.dump"))


def _journals(database: Path) -> list[Path]:
    return [database.with_name(f"{database.name}-{part}") for part in ("wal", "shm", "journal")]


def _broken_database(copy: Path) -> list[str]:
    if (dump := copy / "database.dump").exists():
        try:
            _postgres("pg_restore", "--list", str(dump))
        except BackupError as error:
            return [str(error)]
        return []
    address = f"file:{copy / 'database.sqlite3'}?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(address, uri=True)) as database:
            said = [row[0] for row in database.execute("PRAGMA integrity_check")]
    except sqlite3.DatabaseError as error:
        said = [str(error)]
    return [] if said == ["ok"] else [f"the database is broken: {line}" for line in said]


def _postgres(program: str, *arguments: str) -> None:
    """Run a program of PostgreSQL's on our database; the password stands in no argument."""
    if not (path := shutil.which(program)):
        raise BackupError(f"{program} is not installed")
    given: dict[str, Any] = connection.get_connection_params()
    own = {name: str(given[key]) for key, name in PARAMETERS.items() if given.get(key)}
    ended = subprocess.run(  # noqa: S603 - our own words and paths
        [path, *arguments],
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise BackupError(f"{program}: {ended.stderr.strip()}")


def _copy_bucket(target: Path) -> None:
    """Copy every object of the bucket; one that is deleted at this moment is left out."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - slow, only here

    storage: Any = default_storage
    try:
        for item in storage.bucket.objects.all():
            path = (target / item.key).resolve()
            if item.key.endswith("/") or not path.is_relative_to(target.resolve()):
                continue  # another program's: we name no such objects
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                storage.bucket.download_file(item.key, str(path))
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                    raise
    except (BotoCoreError, ClientError) as error:
        raise BackupError(f"the bucket cannot be copied: {error}") from error


def _copy(source: str, target: str) -> str:
    """Copy a file that may be swept away at this moment."""
    try:
        return str(shutil.copy2(source, target))
    except FileNotFoundError:
        return target


def _link_or_copy(before: Path, source: str, target: str) -> str:
    """Link to the copy in the backup before, if the file has not changed since; else copy it."""
    kept = before / Path(source).relative_to(settings.MEDIA_ROOT)
    try:
        was, now = kept.stat(), Path(source).stat()
        if (was.st_size, was.st_mtime_ns) == (now.st_size, now.st_mtime_ns):
            os.link(kept, target)
            return target
    except OSError:  # there is none, or this file system has no hard links
        pass
    return _copy(source, target)


def _files_of(copy: Path) -> dict[str, Any]:
    """Return what the manifest of a backup says of its files; nothing when it cannot be read."""
    try:
        files: dict[str, Any] = json.loads((copy / MANIFEST).read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return files


def _known(
    draft: Path, before: Path | None, known: dict[str, Any], name: str
) -> dict[str, Any] | None:
    """Return the checksum of a file that is a link to one of the backup before."""
    if before is None or name not in known:
        return None
    is_link = (draft / name).stat().st_ino == (before / name).stat().st_ino
    found: dict[str, Any] = known[name]
    return found if is_link else None


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder))


def _describe(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }
