"""Backups of the database and the media, each with a manifest of checksums.

    DIR/20261121T151500Z/   manifest.json   database.sqlite3 | database.dump   media/...

A backup is built under another name and renamed when it is complete. The database is copied first:
files that arrive later are extra, and the product can handle a row whose file was just deleted.
Secrets are left out. Media in a bucket is copied only when that is asked for: the bucket may keep
versions itself, and be large.

A media file of the size and time that it has in the newest complete backup becomes a hard link to
the copy there, where the file system has them. So each backup is complete by itself, and takes only
the place of what is new.

With a key (config.ops.backup_keys) every file but the manifest is encrypted, and is named `….age`.
The manifest has the checksums of the files as they are stored, to be checked without the key.
"""

import hmac
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from config.ops import backup_keys
from config.ops.backup_copies import Copies, describe, names_in
from config.ops.backup_keys import SUFFIX, BackupError, BackupKey

STAMP = re.compile(r"\d{8}T\d{6}Z")
MANIFEST = "manifest.json"
# In the folder of backups: the name of the last one that was sent to the bucket.
SENT = "sent"
PARAMETERS = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
}


def create_backup(folder: Path, keep: int = 0, *, with_bucket: bool = False) -> Path:
    """Make a backup in `folder` and return its path; delete all but the newest `keep`, if given.

    `with_bucket` copies media in a bucket too. Raises BackupError.
    """
    key = backup_keys.of_settings()
    made_at = timezone.now()
    final = folder / made_at.strftime("%Y%m%dT%H%M%SZ")
    draft = final.with_name(f"{final.name}.partial")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True, mode=0o700)
    before = next(reversed(complete_backups(folder)), None)
    copies = Copies(draft, before, {} if before is None else _files_of(before, key), key)
    _dump(copies)
    if settings.S3_BUCKET:
        if with_bucket:
            _copy_bucket(copies, draft / "media")
    elif settings.MEDIA_ROOT.exists():
        shutil.copytree(settings.MEDIA_ROOT, draft / "media", copy_function=copies.copy)
    about = {
        "version": settings.VERSION,
        "made_at": made_at.isoformat(),
        "files": copies.describe(),
    }
    if key:
        about["key"] = key.fingerprint
        about["seal"] = key.seal(about)
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


def newest(folder: Path) -> Path:
    """Return the newest complete backup in a folder. Raises BackupError when there is none."""
    if not folder.is_dir() or not (found := complete_backups(folder)):
        raise BackupError(f"there is no complete backup in {folder}")
    return found[-1]


def find_problems(copy: Path) -> list[str]:
    """Return what is wrong with a backup; nothing when it is intact."""
    try:
        about = json.loads((copy / MANIFEST).read_text())
        files = about["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{MANIFEST} cannot be read: {error}"]
    if found := _problems_with_key(about):
        return found
    there = set(names_in(copy)) - {MANIFEST}
    found = [f"{name} is missing" for name in sorted(set(files) - there)]
    found += [f"{name} is not in the manifest" for name in sorted(there - set(files))]
    for name in sorted(there & set(files)):
        if {**files[name], **describe(copy / name)} != files[name]:
            found.append(f"{name} has changed")
    if found or not can_read(copy):
        return found
    with _database_of(copy) as folder:
        return _broken_database(folder)


def can_read(copy: Path) -> bool:
    """Return whether a backup is not encrypted, or the secret half of a key is configured."""
    key = backup_keys.of_settings()
    return not _is_encrypted(copy) or (key is not None and key.identity is not None)


def restore_backup(copy: Path) -> int:
    """Restore a backup into an empty database and return the number of media files.

    Media goes to the folder or the bucket that is configured now: media of the same name is
    replaced, other media stays. Raises BackupError.
    """
    if found := find_problems(copy):
        raise BackupError("; ".join(found))
    if not can_read(copy):
        raise BackupError("the secret key of the backup is needed: BACKUP_KEY or BACKUP_KEY_FILE")
    with _database_of(copy) as folder:
        _load(folder)
    media = copy / "media"
    names = list(names_in(media)) if media.exists() else []
    key = backup_keys.of_settings() if _is_encrypted(copy) else None
    with tempfile.TemporaryDirectory(prefix="restore-", dir=settings.DATA_DIR) as folder:
        for name in names:
            _restore_file(media / name, name, key, Path(folder) / "file")
    return len(names)


def _restore_file(stored: Path, name: str, key: BackupKey | None, draft: Path) -> None:
    """Write one file of the media; an encrypted one is decrypted into the draft first."""
    plain = stored
    if key:
        name = name.removesuffix(SUFFIX)
        key.decrypt(stored, plain := draft)
        shutil.copystat(stored, plain)
    if settings.S3_BUCKET:
        with plain.open("rb") as file:
            default_storage.save(name, File(file))
        return
    target: Path = settings.MEDIA_ROOT / name
    target.parent.mkdir(parents=True, exist_ok=True)
    (shutil.move if key else shutil.copy2)(plain, target)


def _is_encrypted(copy: Path) -> bool:
    return any(copy.glob(f"database.*{SUFFIX}"))


def _problems_with_key(about: dict[str, Any]) -> list[str]:
    """Say what is wrong between a manifest and the configured key; without one it is not known."""
    try:
        key = backup_keys.of_settings()
    except BackupError as error:
        return [str(error)]
    if key is None or "key" not in about:
        return []
    if about["key"] != key.fingerprint:
        return ["the backup is encrypted with another key"]
    is_sealed = hmac.compare_digest(str(about.get("seal")), key.seal(about))
    return [] if is_sealed else [f"{MANIFEST} was altered: its seal does not fit"]


@contextmanager
def _database_of(copy: Path) -> Iterator[Path]:
    """Yield a folder with the database of a backup, decrypted if need be."""
    if not _is_encrypted(copy):
        yield copy
        return
    key = backup_keys.of_settings()
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="restore-", dir=settings.DATA_DIR) as folder:
        for stored in copy.glob(f"database.*{SUFFIX}"):
            assert key is not None  # find_problems and restore_backup ask before
            key.decrypt(stored, Path(folder) / stored.name.removesuffix(SUFFIX))
        yield Path(folder)


def _dump(copies: Copies) -> None:
    """Write the database; what will be encrypted is first written beside the live one."""
    name = "database.sqlite3" if connection.vendor == "sqlite" else "database.dump"
    if copies.key is None:
        _dump_to(copies.draft / name)
        return
    with tempfile.TemporaryDirectory(prefix="backup-", dir=settings.DATA_DIR) as folder:
        _dump_to(plain := Path(folder) / name)
        with plain.open("rb") as file:
            copies.write(file, copies.draft / name)


def _dump_to(path: Path) -> None:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(path)])
    else:
        _postgres("pg_dump", "--format=custom", f"--file={path}")


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


def _copy_bucket(copies: Copies, target: Path) -> None:
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
                with closing(item.get()["Body"]) as body:
                    copies.write(body, path)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                    raise
    except (BotoCoreError, ClientError) as error:
        raise BackupError(f"the bucket cannot be copied: {error}") from error


def _files_of(copy: Path, key: BackupKey | None) -> dict[str, Any]:
    """Return what the manifest says of the files, if they have this key; nothing otherwise."""
    try:
        about = json.loads((copy / MANIFEST).read_text())
        files: dict[str, Any] = about["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return files if about.get("key") == (key and key.fingerprint) else {}
