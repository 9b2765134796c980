"""Recent submits to engines that have a limit."""

from django.db import models


class EngineUsage(models.Model):
    """The submits of the last minute to one engine; only engine_limits writes it.

    Workers lock the row while they hand out the free places of the engine.
    """

    name = models.CharField(max_length=64, primary_key=True)
    # Unix seconds.
    submits = models.JSONField(default=list)

    def __str__(self) -> str:
        return self.name
