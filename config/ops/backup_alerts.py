"""E-mails to staff when the last backup or the last restore drill is old, or a drill failed."""

import uuid
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from config.lib import mail
from config.ops import backups, drills

# A problem that stays is told again after this long.
AGAIN_DAYS = 7
NAMESPACE = uuid.UUID("c64a1a52-6a3b-5d0c-9a53-3b1c4f0e8d11")


def find_problems() -> list[tuple[str, str]]:
    """Return what is wrong with backups, by name and in words; nothing without BACKUP_DIR."""
    folder: Path | None = settings.BACKUP_DIR
    if folder is None:
        return []
    if not folder.is_dir():
        return [
            ("backup", _("The folder of backups, %(folder)s, is missing.") % {"folder": folder})
        ]
    found = [_backup_problem(folder), _drill_problem(folder)]
    return [problem for problem in found if problem]


def warn_staff() -> int:
    """Queue an e-mail to every superuser about what is wrong; return how many were queued.

    One problem is told once in seven days.
    """
    problems = find_problems()
    if not problems:
        return 0
    # The same for as long as the same problems stand, and anew after a week.
    period = timezone.now().toordinal() // AGAIN_DAYS
    names = ",".join(name for name, _words in problems)
    sent = 0
    for user in User.objects.filter(is_superuser=True, is_active=True).exclude(email=""):
        reference = uuid.uuid5(NAMESPACE, f"{user.pk}:{names}:{period}")
        sent += mail.send_once(mail.Kind.BACKUP, reference, user, _compose)
    return sent


def _compose() -> mail.EmailContent:
    return mail.EmailContent(
        subject=_("Backups need your attention"),
        paragraphs=tuple(words for _name, words in find_problems()),
        label=_("Open the staff pages"),
        url=f"{settings.BASE_URL}/admin/",
        footer=_("You get this e-mail because you are a superuser of this installation."),
    )


def _backup_problem(folder: Path) -> tuple[str, str] | None:
    complete = backups.complete_backups(folder)
    if not complete:
        return "backup", _("There is no complete backup in %(folder)s.") % {"folder": folder}
    made = datetime.strptime(f"{complete[-1].name[:-1]}+0000", "%Y%m%dT%H%M%S%z")
    if _is_older(made, settings.BACKUP_MAX_AGE):
        words = _("The newest backup, %(name)s, is too old. Look at the job that makes backups.")
        return "backup", words % {"name": complete[-1].name}
    return None


def _drill_problem(folder: Path) -> tuple[str, str] | None:
    report = drills.last_report(folder)
    if report is None:
        return "drill", _("No backup was ever restored on trial. Run manage.py restore_drill.")
    if not report["passed"]:
        words = _("The last restore drill, with the backup %(name)s, failed. Read its report.")
        return "failed", words % {"name": report["backup"]}
    if _is_older(datetime.fromisoformat(report["started_at"]), settings.DRILL_MAX_AGE):
        return "drill", _("The last restore drill is too old. Run manage.py restore_drill.")
    return None


def _is_older(moment: datetime, age: timedelta) -> bool:
    return timezone.now() - moment > age
