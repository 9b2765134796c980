"""Copy the media from the folder into a bucket, or back, and prove each copy by its SHA-256.

A journal has a line for each file that was copied, read back and found equal. So a move that was
broken off goes on where it ended, and a file that users delete after the switch to the new place is
not copied there once more.

Of two different files of one name the one in the place that the site uses is right.
"""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from config.ops.reading import Readable

# Most of the time of a small file is waiting for the bucket's answers.
THREADS = 8
PIECE_BYTES = 1 << 20


class Place(Protocol):
    """Where media is; a mark of a file changes with its bytes."""

    def marks(self) -> dict[str, str]: ...

    def open(self, name: str) -> Readable: ...

    def write(self, name: str, file: Readable) -> None: ...

    def delete(self, name: str) -> None: ...


@dataclass
class Outcome:
    """What became of the files, by name; `deleted` at the source is besides the others."""

    copied: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)  # users deleted it meanwhile
    kept: list[str] = field(default_factory=list)  # the one in use differs, and stays
    broken: list[str] = field(default_factory=list)  # read back it differed, so it was deleted
    deleted: list[str] = field(default_factory=list)


@dataclass
class Move:
    """Copies what the target does not have; `in_use` tells that the site uses the target by now.

    With `delete_source` all files are read on both sides once more, and those at the source are
    deleted that are equal, or that users have deleted at the target since they were copied.
    """

    source: Place
    target: Place
    journal: Path
    in_use: bool = False
    delete_source: bool = False

    def run(self) -> Outcome:
        """Move everything. Raises what the places raise; another run goes on from there."""
        self._known = dict(_read(self.journal))
        self._marks, self._there = self.source.marks(), set(self.target.marks())
        outcome = Outcome()
        with self.journal.open("a") as lines, ThreadPoolExecutor(THREADS) as threads:
            names = sorted(self._marks)
            try:
                for name, (fate, digest) in zip(
                    names, threads.map(self._decide, names), strict=True
                ):
                    getattr(outcome, fate).append(name)
                    entry = (self._marks[name], digest)
                    if digest and self._known.get(name) != entry:
                        lines.write(f"{json.dumps([name, *entry])}\n")
                        lines.flush()
                    if self.delete_source and fate in ("copied", "there", "gone"):
                        self.source.delete(name)
                        outcome.deleted.append(name)
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise
        return outcome

    def _decide(self, name: str) -> tuple[str, str]:
        """Return what became of a file, and its SHA-256 when both sides have it."""
        mark, digest = self._known.get(name, ("", ""))
        try:
            if name not in self._there:
                return ("gone", "") if digest and self.in_use else self._copy(name)
            if mark == self._marks[name] and not self.delete_source:
                return "there", digest
            ours, theirs = _digest(self.source, name), _digest(self.target, name)
            if ours == theirs:
                return "there", ours
            # What we copied ourselves and nobody has changed since is older than the source.
            return ("kept", "") if self.in_use and theirs != digest else self._copy(name)
        except FileNotFoundError:
            return "gone", ""

    def _copy(self, name: str) -> tuple[str, str]:
        with closing(self.source.open(name)) as file:
            read = _Hashed(file)
            self.target.write(name, read)
        digest = read.sha256.hexdigest()
        if _digest(self.target, name) == digest:
            return "copied", digest
        self.target.delete(name)
        return "broken", ""


class _Hashed:
    """Hashes what is read of a file, which is read once."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        piece = self._file.read(size)
        self.sha256.update(piece)
        return piece

    def close(self) -> None:
        self._file.close()


def _digest(place: Place, name: str) -> str:
    with closing(place.open(name)) as file:
        read = _Hashed(file)
        while read.read(PIECE_BYTES):
            pass
    return read.sha256.hexdigest()


def _read(journal: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield the entries; the last line may be half, if the process was killed."""
    for line in journal.read_text().splitlines() if journal.exists() else ():
        try:
            name, mark, digest = json.loads(line)
        except ValueError:
            continue
        yield name, (mark, digest)
