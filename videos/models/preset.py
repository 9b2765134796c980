"""Saved options of the composer."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class Preset(models.Model):
    """Saved options of the composer; `ending` is appended to the prompt."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="presets")
    name = models.CharField(max_length=60)
    model = models.CharField(max_length=64)
    size = models.CharField(max_length=16)
    seconds = models.PositiveSmallIntegerField()
    takes = models.PositiveSmallIntegerField(default=1)
    # What only some models take; null and "" leave it to the model.
    audio = models.BooleanField(null=True)
    negative_prompt = models.TextField(blank=True)
    seed = models.BigIntegerField(null=True)
    ending = models.CharField(max_length=400, blank=True)

    class Meta:
        ordering: ClassVar = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="preset_name_once")]

    def __str__(self) -> str:
        return self.name
