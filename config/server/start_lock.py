"""One process at a time prepares the data folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings


@contextmanager
def preparing_data() -> Iterator[None]:
    """Hold the lock of DATA_DIR; of several servers that start at once, the later ones wait."""
    with (settings.DATA_DIR / "start.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
