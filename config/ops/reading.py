"""What backups and moves ask of a file that they read, on a disk or in a bucket."""

from typing import Protocol


class Readable(Protocol):
    """Read in pieces; b"" at the end."""

    def read(self, size: int = -1, /) -> bytes: ...

    def close(self) -> None: ...
