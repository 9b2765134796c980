"""The audit log: who of the staff did what to which row, and why. It is Django's own."""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Model


def note(actor: AbstractBaseUser, target: Model, text: str) -> None:
    """Keep one deed, with its reason, beside the row it changed."""
    LogEntry.objects.log_actions(str(actor.pk), [target], CHANGE, text, single_object=True)
