"""What staff must know about backups: old ones, none in the bucket, and restores never tried."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from config.lib import alerts
from config.lib.alert_kinds import AlertKind
from config.lib.alerts import Condition
from config.ops import backups, drills


def check() -> None:
    """Open and clear alerts; without BACKUP_DIR this process cannot judge, and leaves them."""
    if settings.BACKUP_DIR is not None:
        alerts.record(AlertKind.BACKUP, list(_find(settings.BACKUP_DIR)))


def _find(folder: Path) -> Iterator[Condition]:
    try:
        yield from _read(folder)
    except OSError as error:
        yield Condition("backup", f"The folder of backups, {folder}, cannot be read: {error}.")


def _read(folder: Path) -> Iterator[Condition]:
    if not folder.is_dir():
        yield Condition("backup", f"The folder of backups, {folder}, is missing.")
        return
    complete = backups.complete_backups(folder)
    if not complete:
        yield Condition("backup", f"There is no complete backup in {folder}.")
    elif _is_old(complete[-1].name):
        yield Condition("backup", f"The newest backup, {complete[-1].name}, is too old.")
    if settings.BACKUP_S3_BUCKET:
        sent = folder / backups.SENT
        name = sent.read_text() if sent.exists() else ""
        if not name:
            yield Condition("bucket", "No backup was ever sent to the bucket.")
        elif _is_old(name):
            yield Condition("bucket", f"The newest backup in the bucket, {name}, is too old.")
    yield from _drill(folder)


def _drill(folder: Path) -> Iterator[Condition]:
    report = drills.last_report(folder)
    if report is None:
        yield Condition("drill", "No backup was ever restored on trial.")
    elif not report["passed"]:
        yield Condition("drill", f"The last restore drill, with {report['backup']}, failed.")
    elif _is_older(datetime.fromisoformat(report["started_at"]), settings.DRILL_MAX_AGE):
        yield Condition("drill", "The last restore drill is too old.")


def _is_old(name: str) -> bool:
    made = datetime.strptime(f"{name[:-1]}+0000", "%Y%m%dT%H%M%S%z")
    return _is_older(made, settings.BACKUP_MAX_AGE)


def _is_older(moment: datetime, age: timedelta) -> bool:
    return timezone.now() - moment > age
