"""Backups in a bucket: what the newest ones have in common is sent and stored once.

    objects/<SHA-256 of the stored bytes>      20261121T151500Z/manifest.json

A backup is sent from its folder. Its manifest goes last, so one that has a manifest is complete. An
object is deleted when a backup that is deleted named it and no other does; one that no manifest
names, as a process leaves it that was killed, after ORPHAN_AGE. One process sends at a time.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils import timezone

from config.environment import buckets
from config.ops.backup_copies import describe
from config.ops.backup_keys import BackupError
from config.ops.backups import MANIFEST, SENT, STAMP

OBJECTS = "objects/"
ORPHAN_AGE = timedelta(days=2)


class BackupBucket:
    """The bucket that BACKUP_S3_BUCKET names. Its methods raise BackupError."""

    def __init__(self) -> None:
        options = settings.BACKUP_S3_OPTIONS
        self.name = settings.BACKUP_S3_BUCKET
        config = buckets.client_config(options["endpoint_url"] or "")
        self._client: Any = boto3.client("s3", **options, config=config)

    def send(self, copy: Path, keep: int = 0) -> int:
        """Send a backup, delete all but the newest `keep`, and return how many files were sent."""
        with _as_backup_errors():
            files = json.loads((copy / MANIFEST).read_text())["files"]
            there = {key: item["Size"] for key, item in self._objects(OBJECTS).items()}
            sent = 0
            for name, about in files.items():
                key = OBJECTS + about["sha256"]
                if there.get(key) != about["bytes"]:
                    self._client.upload_file(str(copy / name), self.name, key)
                    there[key] = about["bytes"]
                    sent += 1
            manifest = str(copy / MANIFEST)
            self._client.upload_file(manifest, self.name, f"{copy.name}/{MANIFEST}")
            if keep:
                self._delete_old(keep)
        (copy.parent / SENT).write_text(copy.name)
        return sent

    def names(self) -> list[str]:
        """Return the names of the backups in the bucket, oldest first."""
        with _as_backup_errors():
            return self._names()

    def fetch(self, name: str, folder: Path) -> Path:
        """Bring a backup into a folder, every file verified, and return its path.

        What an earlier try brought is not fetched again.
        """
        final, draft = folder / name, folder / f"{name}.partial"
        if final.exists():
            raise BackupError(f"{final} is there already")
        with _as_backup_errors():
            draft.mkdir(parents=True, mode=0o700, exist_ok=True)
            body = self._body(f"{name}/{MANIFEST}")
            for file, about in json.loads(body)["files"].items():
                target = (draft / file).resolve()
                if not target.is_relative_to(draft.resolve()):
                    raise BackupError(f"{file} leads out of the backup")
                self._fetch_file(target, file, about)
            (draft / MANIFEST).write_bytes(body)
        draft.rename(final)
        return final

    def _fetch_file(self, target: Path, file: str, about: dict[str, Any]) -> None:
        if target.exists() and describe(target)["sha256"] == about["sha256"]:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        answer = self._client.get_object(Bucket=self.name, Key=OBJECTS + about["sha256"])
        with closing(answer["Body"]) as body, target.open("wb") as out:
            shutil.copyfileobj(body, out, 1 << 20)
        if describe(target)["sha256"] != about["sha256"]:
            target.unlink()
            raise BackupError(f"{file} has changed in the bucket")

    def _delete_old(self, keep: int) -> None:
        names = self._names()
        needed: set[str] = set()
        for name in names[-keep:]:
            needed |= self._keys(name)
        listed, dropped = self._objects(OBJECTS), set[str]()
        for name in names[:-keep]:
            dropped |= self._keys(name)
            self._client.delete_object(Bucket=self.name, Key=f"{name}/{MANIFEST}")
        for key, item in listed.items():
            is_old = timezone.now() - item["LastModified"] > ORPHAN_AGE
            if key not in needed and (key in dropped or is_old):
                self._client.delete_object(Bucket=self.name, Key=key)

    def _keys(self, name: str) -> set[str]:
        files = json.loads(self._body(f"{name}/{MANIFEST}"))["files"]
        return {OBJECTS + about["sha256"] for about in files.values()}

    def _names(self) -> list[str]:
        found = (key.split("/") for key in self._objects("2"))
        return sorted(one[0] for one in found if STAMP.fullmatch(one[0]) and one[1:] == [MANIFEST])

    def _body(self, key: str) -> bytes:
        body: bytes = self._client.get_object(Bucket=self.name, Key=key)["Body"].read()
        return body

    def _objects(self, prefix: str) -> dict[str, Any]:
        pages = self._client.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.name, Prefix=prefix)
        return {item["Key"]: item for page in found for item in page.get("Contents", ())}


@contextmanager
def _as_backup_errors() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, boto3.exceptions.Boto3Error) as error:
        raise BackupError(f"the bucket of backups: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"a manifest cannot be read: {error!r}") from error
