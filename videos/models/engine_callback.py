"""Callbacks that engines sent."""

from django.db import models

from videos.models.video import Video


class EngineCallback(models.Model):
    """A verified callback of an engine, stored once, whether or not a video has its job yet."""

    engine = models.CharField(max_length=32)
    # Equal for a repeated callback: the event's own id, or the job and its state.
    event_key = models.CharField(max_length=200)
    engine_job_id = models.CharField(max_length=512)
    video = models.ForeignKey(Video, models.CASCADE, null=True, related_name="engine_callbacks")
    received_at = models.DateTimeField(db_index=True)

    class Meta:
        indexes = [models.Index(fields=["engine", "engine_job_id"], name="engine_callback_job")]
        constraints = [
            models.UniqueConstraint(fields=["engine", "event_key"], name="engine_callback_once"),
        ]

    def __str__(self) -> str:
        return f"{self.engine} {self.event_key}"
