"""Views of clips, counted once per visitor and hour."""

from django.db import models

from showcase.models.clip import Clip


class ClipView(models.Model):
    """A visitor watched a clip within an hour; `visitor` is a keyed hash that names nobody."""

    clip = models.ForeignKey(Clip, models.CASCADE, related_name="views")
    visitor = models.CharField(max_length=64)
    hour = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["clip", "visitor", "hour"], name="view_once_an_hour")
        ]

    def __str__(self) -> str:
        return f"{self.clip_id} {self.hour:%Y-%m-%d %H}"
