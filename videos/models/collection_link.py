"""Links that show a collection to anyone."""

import uuid

from django.db import models
from django.db.models import Q

from videos.models.collection import Collection


class CollectionLink(models.Model):
    """A link that shows the finished videos of a collection, until it expires or is revoked."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    collection = models.ForeignKey(Collection, models.CASCADE, related_name="links")
    with_prompts = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["collection"],
                condition=Q(revoked_at=None),
                name="collection_link_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.collection_id} until {self.expires_at or self.revoked_at}"
