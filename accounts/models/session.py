"""Sign-ins over the API."""

import uuid

from django.db import models

from accounts.models.user import User


class Session(models.Model):
    """One sign-in over the API. Each of its tokens names this row: revoking it ends them all."""

    class Grant(models.TextChoices):
        PASSWORD = "password"  # noqa: S105 - the grant's name
        GOOGLE = "google"
        TEST = "test"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_sessions")
    grant = models.CharField(max_length=16, choices=Grant)
    # The refresh token that may still be used. The one before it counts as its repetition for some
    # seconds; any other one of this session is a replay.
    refresh_jti = models.CharField(max_length=32)
    previous_jti = models.CharField(max_length=32, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    refreshed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.grant} sign-in of {self.user_id}"
