"""A storage whose disk can be full."""

import errno
from typing import Any

from django.core.files.storage import FileSystemStorage


class FullDisk(FileSystemStorage):
    """A folder in which nothing can be stored while `is_full`."""

    is_full = True

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        if self.is_full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().save(name, content, max_length)
