"""deploy/backup.sh: a backup every night, at once when one was missed, again after a failure."""

import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings

from tests.faults.processes import wait_until

# Writes down how it was called, and makes a folder as `manage.py backup` does.
PYTHON = """#!/bin/sh
echo "$@" >> "$CALLS"
[ -z "$FAILS" ] || exit 1
mkdir "$4/$(date -u +%Y%m%dT%H%M%SZ)"
"""


def calls_after(folder: Path, made: datetime | None, at: datetime, **environment: str) -> list[str]:
    """Start the job with one backup, or none; return the backups it makes before it sleeps."""
    program, backups, calls = folder / "bin" / "python", folder / "backups", folder / "calls"
    program.parent.mkdir()
    program.write_text(PYTHON)
    program.chmod(0o755)
    backups.mkdir()
    if made:
        (backups / f"{made:%Y%m%dT%H%M%SZ}").mkdir()
    # One that was interrupted is none.
    (backups / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.partial").mkdir()
    own = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "CALLS": str(calls),
        "FAILS": "",
        "BACKUP_AT": f"{at:%H:%M}",
        **environment,
    }
    said = (folder / "said").open("wb")
    job = subprocess.Popen(
        ["sh", str(settings.BASE_DIR / "deploy" / "backup.sh"), str(backups)],
        env=own,
        stderr=said,
        start_new_session=True,
    )
    try:
        if made is None or environment:
            wait_until(calls.exists, "a backup")
        time.sleep(0.2)
        assert job.poll() is None
    finally:
        job.terminate()
        assert job.wait(10) == 0
    return calls.read_text().splitlines() if calls.exists() else []


def backup(folder: Path) -> str:
    return f"manage.py backup --to {folder / 'backups'} --keep 14"


@pytest.fixture
def an_hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def test_first_backup_is_made_at_once(tmp_path: Path, an_hour_ago: datetime) -> None:
    assert calls_after(tmp_path, None, an_hour_ago) == [backup(tmp_path)]


def test_missed_backup_is_made_at_once(tmp_path: Path, an_hour_ago: datetime) -> None:
    before = an_hour_ago - timedelta(minutes=2)
    made = calls_after(tmp_path, before, an_hour_ago, KEEP="3")
    assert made == [backup(tmp_path).replace("14", "3")]


def test_no_backup_is_made_while_the_last_one_is_young(
    tmp_path: Path, an_hour_ago: datetime
) -> None:
    assert calls_after(tmp_path, an_hour_ago + timedelta(minutes=2), an_hour_ago) == []


def test_job_goes_on_when_a_backup_fails(tmp_path: Path, an_hour_ago: datetime) -> None:
    assert calls_after(tmp_path, None, an_hour_ago, FAILS="1") == [backup(tmp_path)]
    assert "The backup failed" in (tmp_path / "said").read_text()
