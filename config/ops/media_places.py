"""The two places where media can be, a folder and a bucket, with the same few calls."""

import mimetypes
import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from config.ops.reading import Readable
from videos.media.bucket import BucketStorage

DRAFT = ".moving"


class Folder:
    """The media in a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def marks(self) -> dict[str, str]:
        """Return of every file what changes with its bytes: its size and its time."""
        found = {}
        for path in self.path.rglob("*"):
            if path.is_file() and path.suffix != DRAFT:
                about = path.stat()
                name = str(path.relative_to(self.path))
                found[name] = f"{about.st_size}:{about.st_mtime_ns}"
        return found

    def open(self, name: str) -> Readable:
        """Open a file. Raises FileNotFoundError."""
        return (self.path / name).open("rb")

    def write(self, name: str, file: Readable) -> None:
        """Write a file whole, or leave what there was."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + DRAFT)
        with draft.open("wb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
        draft.rename(path)

    def delete(self, name: str) -> None:
        """Delete a file; one that is gone is no error."""
        (self.path / name).unlink(missing_ok=True)


class Bucket:
    """The media in a bucket, by the options of its storage."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.name = options["bucket_name"]
        self._storage = BucketStorage(**options)

    @cached_property
    def _client(self) -> Any:
        return self._storage.connection.meta.client  # clients serve many threads, resources do not

    def marks(self) -> dict[str, str]:
        """Return of every object what changes with its bytes: its ETag.

        Names that we do not give, which would lead out of a folder, are left out.
        """
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name)
        items = (item for page in pages for item in page.get("Contents", ()))
        return {item["Key"]: item["ETag"] for item in items if _is_ours(item["Key"])}

    def open(self, name: str) -> Readable:
        """Open an object. Raises FileNotFoundError."""
        try:
            body: Readable = self._client.get_object(Bucket=self.name, Key=name)["Body"]
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                raise FileNotFoundError(name) from error
            raise
        return body

    def write(self, name: str, file: Readable) -> None:
        """Write an object, with the type that its name tells."""
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self._client.upload_fileobj(file, self.name, name, ExtraArgs={"ContentType": kind})

    def delete(self, name: str) -> None:
        """Delete an object; one that is gone is no error."""
        self._client.delete_object(Bucket=self.name, Key=name)


def _is_ours(key: str) -> bool:
    parts = key.split("/")
    return all(parts) and not {".", ".."} & set(parts)
