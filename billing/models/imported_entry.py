"""Lines of the credit history that a user had on another installation."""

import uuid

from django.conf import settings
from django.db import models


class ImportedEntry(models.Model):
    """A line that is shown and nothing else: no credits here come of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="imported_entries", db_index=False
    )
    # The id of the entry there, so that it is imported once.
    old_id = models.UUIDField()
    type = models.CharField(max_length=16)
    amount = models.BigIntegerField()
    balance_after = models.BigIntegerField()
    description = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "old_id"], name="imported_entry_once")
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.amount}"
