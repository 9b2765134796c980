"""Copies of files in a backup: linked where the backup before has them, encrypted with a key."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.ops.backup_keys import SUFFIX, BackupKey
from config.ops.reading import Readable


@dataclass
class Copies:
    """Fills the draft of a backup.

    `known` is what the manifest of the backup `before` says of its files; nothing, when that has
    another key. An encrypted file has the time of its source, and the manifest its size.
    """

    draft: Path
    before: Path | None
    known: dict[str, Any]
    key: BackupKey | None
    _sizes: dict[str, int] = field(default_factory=dict)

    def copy(self, source: str, target: str) -> str:
        """Copy or link a file, as shutil.copytree asks for; it may be swept away at this moment."""
        stored = self._stored(Path(target))
        try:
            if self._linked(Path(source), stored):
                return target
            if self.key is None:
                shutil.copy2(source, target)
            else:
                about = Path(source).stat()
                with Path(source).open("rb") as file:
                    self.write(file, Path(target))
                os.utime(stored, ns=(about.st_atime_ns, about.st_mtime_ns))
        except FileNotFoundError:
            pass
        return target

    def write(self, file: Readable, target: Path) -> None:
        """Write what is read of a file."""
        if self.key is None:
            with target.open("wb") as out:
                shutil.copyfileobj(file, out, 1 << 20)
            return
        counted = _Counted(file)
        self.key.encrypt(counted, stored := self._stored(target))
        self._sizes[str(stored.relative_to(self.draft))] = counted.bytes

    def describe(self) -> dict[str, Any]:
        """Return what the manifest says of each file; one that is a link is not read again."""
        return {
            name: self._known(name) or describe(self.draft / name) | self._plain(name)
            for name in names_in(self.draft)
        }

    def _stored(self, target: Path) -> Path:
        return target if self.key is None else target.with_name(target.name + SUFFIX)

    def _linked(self, source: Path, stored: Path) -> bool:
        """Link to the copy in the backup before, if the file has not changed since."""
        name = str(stored.relative_to(self.draft))
        if self.before is None or name not in self.known:
            return False
        kept, entry = self.before / name, self.known[name]
        try:
            was, now = kept.stat(), source.stat()
            bytes_ = was.st_size if self.key is None else entry.get("plain_bytes")
            if (bytes_, was.st_mtime_ns) != (now.st_size, now.st_mtime_ns):
                return False
            os.link(kept, stored)
        except OSError:  # it is gone, or this file system has no hard links
            return False
        return True

    def _known(self, name: str) -> dict[str, Any] | None:
        if self.before is None or name not in self.known:
            return None
        is_link = (self.draft / name).stat().st_ino == (self.before / name).stat().st_ino
        found: dict[str, Any] = self.known[name]
        return found if is_link else None

    def _plain(self, name: str) -> dict[str, int]:
        return {"plain_bytes": self._sizes[name]} if name in self._sizes else {}


class _Counted:
    """Counts the bytes that are read of a file."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self.bytes = 0

    def read(self, size: int = -1, /) -> bytes:
        piece = self._file.read(size)
        self.bytes += len(piece)
        return piece

    def close(self) -> None:
        self._file.close()


def names_in(folder: Path) -> Iterator[str]:
    """Yield the names of the files in a folder and those below it."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(folder))


def describe(path: Path) -> dict[str, Any]:
    """Return the size and the SHA-256 of a file as it is stored."""
    with path.open("rb") as file:
        return {
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }
