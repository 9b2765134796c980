"""A migrated SQLite database to copy, so that not every server a test starts has to migrate one."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
NAME = "firstlight.sqlite3"


def copy_to(folder: Path) -> None:
    """Put a database as `manage.py migrate` leaves it into a data folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    copy(folder / NAME)


def copy(file: Path) -> None:
    """Write a database as `manage.py migrate` leaves it to a file."""
    shutil.copy(_migrated(), file)


@cache
def _migrated() -> Path:
    """Return the file for the present migrations and models; the first process creates it.

    It stays in the folder for temporary files and serves later runs too.
    """
    folder = Path(tempfile.gettempdir()) / f"firstlight-migrated-{_digest()}"
    folder.mkdir(exist_ok=True)
    kept = folder / NAME
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            with tempfile.TemporaryDirectory(dir=folder) as name:
                _migrate(Path(name))
                Path(name, NAME).rename(kept)
    return kept


def _digest() -> str:
    """Return a digest of everything that decides what is in a migrated database."""
    found = [
        *ROOT.glob("*/migrations/*.py"),
        *ROOT.glob("*/lib/migrations/*.py"),
        *ROOT.glob("*/models/*.py"),
        *ROOT.glob("*/models.py"),
        ROOT / "requirements.txt",
    ]
    digest = hashlib.sha256()
    for file in sorted(found):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _migrate(folder: Path) -> None:
    own = {"DATABASE_URL", "DATABASE_PATH", "REDIS_URL"}
    kept = {name: value for name, value in os.environ.items() if name not in own}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env={**kept, "DATA_DIR": str(folder), "ENV_FILE": os.devnull},
        check=True,
    )
