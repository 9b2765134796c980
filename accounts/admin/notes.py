"""Notes of staff about a user: lines of the audit log, as all their acts are."""

from django import forms
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from config.lib.web.forms import MultilineField


class NoteForm(forms.Form):
    """A note; it cannot be changed later, as no line of the audit log can."""

    text = MultilineField(
        label=_("Note"), max_length=1000, widget=forms.Textarea(attrs={"rows": 5})
    )


def acts_on(user: User) -> QuerySet[LogEntry]:
    """Return what staff did to an account and wrote about it, the latest first."""
    kind = ContentType.objects.get_for_model(User)
    lines = LogEntry.objects.filter(content_type=kind, object_id=str(user.pk))
    return lines.select_related("user").order_by("-action_time", "-pk")
