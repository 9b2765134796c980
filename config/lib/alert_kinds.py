"""The kinds of alerts to staff: what each is called, and what to do about it."""

from typing import ClassVar

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class AlertKind(models.TextChoices):
    REVIEW = "review", _("Staff must decide")
    AUDIT = "audit", _("The audit found a problem")
    CIRCUIT = "circuit", _("An engine gets no orders")
    QUEUE = "queue", _("Orders wait too long")
    DISK = "disk", _("A disk is nearly full")
    MAIL = "mail", _("E-mails are not sent")
    BALANCE = "balance", _("The account at an engine is nearly empty")
    BACKUP = "backup", _("Backups need your attention")


class Advice:
    """What to do about each kind, and the page of staff that shows more."""

    TEXTS: ClassVar[dict[str, Promise]] = {
        AlertKind.REVIEW: _("Open the list, read each case and decide it."),
        AlertKind.AUDIT: _(
            "Read the audit run, find out why, and correct the balance with a reason if it is"
            " wrong. “python manage.py audit” checks again; the alert ends when that finds nothing."
        ),
        AlertKind.CIRCUIT: _(
            "The page of engines shows its last error. Check key, account and status page of the"
            " engine. It gets a trial order from time to time, and orders again when that works."
        ),
        AlertKind.QUEUE: _(
            "Check that the workers run and that the engines take orders. Then start more workers,"
            " or raise the limits of the engines."
        ),
        AlertKind.DISK: _(
            "Delete or move files on that disk, or make it larger, before orders and uploads fail."
        ),
        AlertKind.MAIL: _(
            "“python manage.py doctor” shows what the mail server answers. Correct EMAIL_HOST and"
            " the settings beside it; the e-mails that wait are then sent by themselves."
        ),
        AlertKind.BALANCE: _("Add credit to the account there before its orders fail."),
        AlertKind.BACKUP: _(
            "Look at the job that runs “python manage.py backup”, and at what it said. Of restores,"
            " run “python manage.py restore_drill” and read its report."
        ),
    }
    PAGES: ClassVar[dict[str, str]] = {
        AlertKind.REVIEW: "admin:billing_payment_changelist",
        AlertKind.AUDIT: "admin:billing_auditrun_changelist",
        AlertKind.CIRCUIT: "admin:videos_enginecircuit_changelist",
        AlertKind.QUEUE: "admin:videos_video_changelist",
        AlertKind.MAIL: "admin:lib_outgoingemail_changelist",
        AlertKind.BALANCE: "admin:videos_enginecircuit_changelist",
    }
