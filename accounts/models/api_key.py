"""API keys."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Expression, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.user import User

NO_TEXTS = Value([], models.JSONField())


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def of(self, user: User) -> "ApiKeyQuerySet":
        """The keys that a user sees: those that are not revoked, expired ones too."""
        return self.filter(user=user, revoked_at=None)

    def active(self, now: datetime | Expression | None = None) -> "ApiKeyQuerySet":
        """Neither revoked nor expired, at this time or now."""
        now = now or timezone.now()
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None)


class ApiKey(models.Model):
    """A key of a user's program; we store a digest of its text only."""

    class Scope(models.TextChoices):
        READ = "read", _("Read")
        GENERATE = "generate", _("Order videos")
        BILLING = "billing", _("Billing")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    # The parts of the text that are shown: its beginning and its end.
    prefix = models.CharField(max_length=8)
    last4 = models.CharField(max_length=4)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    # What its program may spend from midnight to midnight UTC; None is no limit.
    credits_per_day = models.PositiveIntegerField(null=True)
    # The models it may order, by id or alias; an empty list is all of them.
    allowed_models = models.JSONField(default=list, db_default=NO_TEXTS)
    # The networks it may be used from, as CIDR; an empty list is all of them.
    ip_ranges = models.JSONField(default=list, db_default=NO_TEXTS)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ApiKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…{self.last4})"

    @property
    def scope_labels(self) -> list[str]:
        """The scopes as words of the present language."""
        return [str(self.Scope(scope).label) for scope in self.scopes]
