"""Files that users sent: reference images, clips and sound."""

import uuid

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models


class UploadQuerySet(models.QuerySet["Upload"]):
    def of(self, user: AbstractBaseUser) -> "UploadQuerySet":
        """The files this user may see and use."""
        return self.filter(user_id=user.pk, stored=True)


class Upload(models.Model):
    """A file that a user uploaded: a checked and re-encoded image, a checked clip or sound."""

    class Kind(models.TextChoices):
        IMAGE = "image"
        VIDEO = "video"
        AUDIO = "audio"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="uploads")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.IMAGE)
    file = models.FileField(max_length=255)
    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=40)
    size_bytes = models.BigIntegerField()
    # 0 for sound.
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    # How long sound is; null for what is not sound.
    seconds = models.FloatField(null=True)
    # False while its file is being stored: it counts towards the quota and is not shown.
    stored = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    objects = UploadQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
