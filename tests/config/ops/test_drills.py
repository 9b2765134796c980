"""`manage.py restore_drill`, and the alerts to staff when backups or drills are old."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from config.lib.alerts import records
from config.lib.models import Alert, OutgoingEmail
from config.monitoring import conditions
from config.ops import drills, tasks
from tests import migrated
from tests.config.ops.test_backups import Installation
from tests.conftest import create_user


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    installation = Installation(tmp_path / "one", "")
    migrated.copy_to(installation.folder)
    media = installation.folder / "media"
    media.mkdir()
    (media / "a.mp4").write_bytes(b"film")
    return installation.backup(tmp_path / "copies")


def test_backup_is_restored_on_trial_and_reported(backup: Path) -> None:
    report = drills.run_drill(backup)
    assert [(step.name, step.passed) for step in report.steps] == [
        ("restore", True),
        ("migrate", True),
        ("audit", True),
    ], report
    assert (report.passed, report.backup, report.files) == (True, backup.name, 2)
    assert "Restored, with 1 media files." in report.steps[0].said
    kept = drills.last_report(backup.parent)
    assert kept is not None
    assert (kept["passed"], kept["backup"]) == (True, backup.name)
    assert sorted(path.name for path in backup.parent.iterdir()) == [backup.name, "drills"]
    (backup / "media" / "a.mp4").write_bytes(b"Film")
    damaged = drills.run_drill(backup)
    assert (damaged.passed, [step.name for step in damaged.steps]) == (False, ["restore"])
    assert "media/a.mp4 has changed" in damaged.steps[0].said


def write_drill(folder: Path, **changes: Any) -> None:
    (folder / "drills").mkdir(exist_ok=True)
    now = timezone.now()
    report = {"passed": True, "backup": "b", "started_at": now.isoformat(), **changes}
    (folder / "drills" / f"{now:%Y%m%dT%H%M%S%f}Z.json").write_text(json.dumps(report))


def write_backup(folder: Path, age: timedelta) -> Path:
    made = folder / f"{timezone.now() - age:%Y%m%dT%H%M%SZ}"
    made.mkdir()
    (made / "manifest.json").write_text("{}")
    return made


def found() -> list[str]:
    """Return what alerts are open, after a check; one that is over ends when it is for a while."""
    Alert.objects.update(seen_at=timezone.now() - records.CLEAR_AFTER)
    tasks.check_backups()
    return sorted(Alert.objects.filter(cleared_at=None).values_list("subject", flat=True))


def test_alerts_open_and_end(tmp_path: Path, settings: LazySettings, db: None) -> None:
    settings.BACKUP_DIR = None
    assert found() == []
    settings.BACKUP_DIR = tmp_path / "copies"
    assert found() == ["backup"]
    settings.BACKUP_DIR.mkdir()
    assert found() == ["backup", "drill"]
    write_backup(settings.BACKUP_DIR, timedelta(days=3))
    write_drill(settings.BACKUP_DIR, passed=False)
    assert found() == ["backup", "drill"]
    rows = Alert.objects.filter(cleared_at=None).order_by("subject")
    [backup, drill] = rows.values_list("detail", flat=True)
    assert backup.endswith("is too old.")
    assert drill == "The last restore drill, with b, failed."
    long_ago = timezone.now() - timedelta(days=40)
    newest = write_backup(settings.BACKUP_DIR, timedelta(hours=1))
    write_drill(settings.BACKUP_DIR, started_at=long_ago.isoformat())
    assert found() == ["drill"]
    write_drill(settings.BACKUP_DIR)
    assert found() == []
    settings.BACKUP_S3_BUCKET = "far"
    assert found() == ["bucket"]
    (settings.BACKUP_DIR / "sent").write_text("20260101T000000Z")
    assert found() == ["bucket"]
    (settings.BACKUP_DIR / "sent").write_text(newest.name)
    assert found() == []
    # A process that does not see the folder judges nothing.
    (settings.BACKUP_DIR / "sent").unlink()
    assert found() == ["bucket"]
    settings.BACKUP_DIR = None
    assert found() == ["bucket"]


@pytest.mark.parametrize("text", ["", "{}", "[]", "null"])
def test_report_that_cannot_be_read_is_a_failed_drill(
    tmp_path: Path, settings: LazySettings, db: None, text: str
) -> None:
    settings.BACKUP_DIR = tmp_path
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "20260101T000000Z.json").write_text(text)
    assert found() == ["backup", "drill"]
    Alert.objects.update(seen_at=timezone.now() - 2 * records.LOST_AFTER)
    conditions.check_all()
    assert Alert.objects.filter(cleared_at=None).count() == 2


def test_superusers_get_one_email_when_something_is_old(
    tmp_path: Path, settings: LazySettings, db: None
) -> None:
    settings.EMAIL_BACKEND = "config.lib.mail.queue.QueueBackend"
    settings.BACKUP_DIR = tmp_path
    write_drill(tmp_path)
    create_user("staff", is_staff=True)
    create_user("root", is_staff=True, is_superuser=True)
    for _n in range(3):
        tasks.check_backups()
    mail = OutgoingEmail.objects.get(kind="alert")
    assert mail.recipient == "root@example.com"
    assert f"There is no complete backup in {tmp_path}." in mail.text
    assert "manage.py backup" in mail.text
