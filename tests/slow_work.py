"""Notice slow work inside a database transaction: password hashes, network, changes of files.

SQLite has one writer, so whatever takes long inside a transaction makes everybody wait, and a
rollback undoes neither a request that was sent nor a file that was deleted.
"""

import sys
import traceback
from typing import Any

from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connections, transaction

OURS = ("/accounts/", "/billing/", "/config/", "/showcase/", "/videos/")
NETWORK = {"socket.connect", "socket.getaddrinfo", "http.client.send"}
FILES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree"}
WRITING = 0o3  # os.O_WRONLY | os.O_RDWR

found: list[str] = []


class WatchedHasher(MD5PasswordHasher):
    """A fast hasher that notices when it works inside a transaction."""

    def encode(self, password: str, salt: Any) -> str:
        notice("a password is hashed")
        encoded: str = super().encode(password, salt)
        return encoded


def transaction_of_test() -> transaction.Atomic:
    """Return a transaction of a test itself, in which our code may do everything."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    return block


def notice(event: str) -> None:
    """Add the event to `found` if this thread is in a transaction that our code began."""
    if _in_transaction():
        lines = [
            f"{frame.filename}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_stack()
            if any(part in frame.filename for part in OURS) and "/tests/" not in frame.filename
        ]
        if lines:  # hypothesis and pytest keep files of their own
            found.append(f"{event}: {' < '.join(reversed(lines))}")


def _in_transaction() -> bool:
    return any(
        not block._from_testcase
        for connection in connections.all(initialized_only=True)
        for block in getattr(connection, "atomic_blocks", ())
    )


def _hear(event: str, args: tuple[Any, ...]) -> None:
    """Hear the interpreter's audit events; see PEP 578."""
    if event in NETWORK or event in FILES:
        notice(event)
    elif event == "open" and args[2] & WRITING and not str(args[0]).endswith(".pyc"):
        notice(f"{args[0]} is opened for writing")


sys.addaudithook(_hear)
