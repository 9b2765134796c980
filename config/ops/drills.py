"""Restore drills: restore a backup beside the installation, audit it, and report.

A drill runs the commands of a real restore in processes that know nothing of this installation: an
empty folder, no `.env`, no bucket, no engine. So it can write to nothing that is in use.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from config.ops import backups
from config.ops.backup_keys import BackupError

REPORTS = "drills"
# What a process needs of ours; settings are not among it.
INHERITED = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
SAID_MAX = 2000
# A restore of a large library takes long; one that hangs has failed.
STEP_SECONDS = 6 * 3600


@dataclass(frozen=True)
class Step:
    """One command of a drill: how long it took and the end of what it said."""

    name: str
    passed: bool
    seconds: float
    said: str


@dataclass
class Report:
    """What a drill found; `seconds` is how long a real restore would take here."""

    backup: str
    made_at: str
    version: str
    files: int
    bytes: int
    started_at: str
    seconds: float = 0.0
    passed: bool = False
    steps: list[Step] = field(default_factory=list)


def run_drill(backup: Path, database_url: str = "") -> Report:
    """Restore a backup into an empty folder, audit it there, and delete it again.

    A backup of PostgreSQL needs the URL of an empty database, which is left filled. The report is
    written into the folder of the backup too. Raises BackupError when nothing could be tried.
    """
    if not any(backup.glob("database.sqlite3*")) and not database_url:
        raise BackupError("a backup of PostgreSQL needs --database-url of an empty database")
    about = _manifest(backup)
    sizes = [int(each["bytes"]) for each in about["files"].values()]
    started = timezone.now()
    report = Report(
        backup=backup.name,
        made_at=str(about["made_at"]),
        version=str(about["version"]),
        files=len(sizes),
        bytes=sum(sizes),
        started_at=started.isoformat(),
    )
    with tempfile.TemporaryDirectory(prefix="drill-", dir=backup.parent) as folder:
        for command in (["restore", str(backup)], ["migrate", "--verbosity=0"], ["audit"]):
            report.steps.append(_run(command, Path(folder), database_url))
            if not report.steps[-1].passed:
                break
        report.passed = all(step.passed for step in report.steps)
    report.seconds = round(sum(step.seconds for step in report.steps), 1)
    _write(backup.parent / REPORTS, started.strftime("%Y%m%dT%H%M%SZ"), report)
    return report


def last_report(folder: Path) -> dict[str, Any] | None:
    """Return the newest report of drills with backups of a folder; None without one.

    One that cannot be read counts as that of a drill that failed.
    """
    found = sorted((folder / REPORTS).glob("*.json"))
    if not found:
        return None
    try:
        report: dict[str, Any] = json.loads(found[-1].read_text())
        return {name: report[name] for name in ("backup", "started_at", "passed")}
    except (OSError, ValueError, KeyError, TypeError):
        return {"backup": found[-1].stem, "started_at": "", "passed": False}


def _manifest(backup: Path) -> dict[str, Any]:
    try:
        about: dict[str, Any] = json.loads((backup / backups.MANIFEST).read_text())
        return {name: about[name] for name in ("version", "made_at", "files")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{backups.MANIFEST} cannot be read: {error}") from error


def _run(command: list[str], folder: Path, database_url: str) -> Step:
    own = {name: os.environ[name] for name in INHERITED if name in os.environ}
    began = time.monotonic()
    try:
        code, said = _execute(command, own, folder, database_url)
    except subprocess.TimeoutExpired:
        code, said = 1, f"not finished after {STEP_SECONDS // 3600} hours"
    took = round(time.monotonic() - began, 1)
    return Step(command[0], code == 0, took, said.strip()[-SAID_MAX:])


def _execute(
    command: list[str], own: dict[str, str], folder: Path, database_url: str
) -> tuple[int, str]:
    ended = subprocess.run(  # noqa: S603 - our own words and paths
        [sys.executable, "manage.py", *command],
        cwd=settings.BASE_DIR,
        env={
            **own,
            "ENV_FILE": os.devnull,
            "DATA_DIR": str(folder),
            "DATABASE_URL": database_url,
            "ENVIRONMENT": "development",
            "BILLING": "on" if settings.BILLING else "off",
            "BACKUP_KEY": settings.BACKUP_KEY,
            "BACKUP_KEY_FILE": settings.BACKUP_KEY_FILE,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=STEP_SECONDS,
    )
    return ended.returncode, ended.stdout


def _write(folder: Path, name: str, report: Report) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    draft = folder / f"{name}.partial"
    draft.write_text(json.dumps(asdict(report), indent=1))
    draft.rename(folder / f"{name}.json")
