"""What tells the videos of a library apart: titles, marks, and the takes of one order."""

from django.db import models
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from config.lib import texts

MAX_TITLE = 100


class VideoNames(models.Model):
    """The columns that name and mark a video; all but the prompt are null in old rows."""

    prompt = models.TextField(_("prompt"))
    # What its owner called it; null for the beginning of its prompt. A CharField that is null,
    # because SQLite copies the table, and loses its triggers, for a column that is not.
    title = models.CharField(_("title"), max_length=MAX_TITLE, null=True)  # noqa: DJ001
    # When its owner marked it as a favourite.
    favourited_at = models.DateTimeField(null=True)
    # Takes were ordered together: they have the same `take_group`, and numbers from 1.
    take_group = models.UUIDField(null=True)
    take_number = models.PositiveSmallIntegerField(null=True)
    take_count = models.PositiveSmallIntegerField(null=True)
    # When its owner picked it as the best one of its takes.
    picked_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return Truncator(self.prompt).chars(60) or str(self.pk)

    @property
    def display_title(self) -> str:
        """Its title on one line: the one that its owner gave it, else the first clause."""
        return self.title or texts.first_clause(self.prompt)
