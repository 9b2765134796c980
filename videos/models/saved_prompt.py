"""Prompts that users keep to use them again."""

from typing import ClassVar

from django.conf import settings
from django.db import models


class SavedPrompt(models.Model):
    """A prompt that its user keeps; `digest` is the SHA-256 of its text, which is kept once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_prompts")
    text = models.TextField()
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "digest"], name="saved_prompt_once")]

    def __str__(self) -> str:
        return self.text[:60]
