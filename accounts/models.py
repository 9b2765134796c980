"""People, where they are signed in, and the keys of their programs."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person or a program with credits of its own."""

    class Language(models.TextChoices):
        ENGLISH = "en", "English"
        SIMPLIFIED_CHINESE = "zh-CN", "简体中文"
        TRADITIONAL_CHINESE = "zh-TW", "繁體中文"
        JAPANESE = "ja", "日本語"
        KOREAN = "ko", "한국어"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    display_name = models.CharField(_("display name"), max_length=80, blank=True)
    avatar_url = models.URLField(_("picture"), max_length=500, blank=True)
    region = models.CharField(_("region"), max_length=8, blank=True)
    language = models.CharField(
        _("language"), max_length=8, choices=Language, default=Language.ENGLISH
    )
    is_verified = models.BooleanField(_("e-mail confirmed"), default=False)
    updated_at = models.DateTimeField(auto_now=True)
    # Asked to be deleted; and, 30 days later, was.
    left_at = models.DateTimeField(_("left"), null=True)
    forgotten_at = models.DateTimeField(_("forgotten"), null=True)
    # Part of what a page's session is checked against: raising it ends them all.
    page_sign_ins = models.PositiveIntegerField(default=0)
    must_change_password = models.BooleanField(_("must change the password"), default=False)
    # Whether single keys are shortcuts on the pages.
    single_keys = models.BooleanField(_("single keys are shortcuts"), default=True)
    # Made by the test sign-in, which may only ever open such accounts.
    is_test = models.BooleanField(default=False)

    class Meta(AbstractUser.Meta):
        constraints = [
            models.UniqueConstraint(
                Lower("email"), condition=~Q(email=""), name="user_email_unique"
            ),
            models.UniqueConstraint(Lower("username"), name="user_username_unique"),
        ]

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password)
        self.must_change_password = False

    def check_password(self, raw_password: Any) -> bool:
        """Hashing an old password anew does not make it a new one."""
        must_change = self.must_change_password
        right = super().check_password(raw_password)
        self.must_change_password = must_change
        return right

    def get_session_auth_hash(self) -> str:
        """What every page session must match: it ends with the password, or when told to."""
        value = f"{self.password}.{self.page_sign_ins}"
        return salted_hmac("accounts.User.sessions", value, algorithm="sha256").hexdigest()

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """None: a session does not outlive its SECRET_KEY."""
        return iter(())

    @property
    def name(self) -> str:
        return self.display_name or self.username


class Session(models.Model):
    """One API sign-in: every token of it names this row, so that revoking the row ends them all."""

    class Grant(models.TextChoices):
        PASSWORD = "password"  # noqa: S105 - the grant's name
        GOOGLE = "google"
        TEST = "test"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_sessions")
    grant = models.CharField(max_length=16, choices=Grant)
    # The one refresh token that may still be used; any other of this session is a replay.
    refresh_jti = models.CharField(max_length=32)
    created_at = models.DateTimeField(auto_now_add=True)
    refreshed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.grant} sign-in of {self.user_id}"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def living(self) -> "ApiKeyQuerySet":
        """Neither revoked nor expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)


class ApiKey(models.Model):
    """A key of one user's program; its text is known to nobody but its holder."""

    class Scope(models.TextChoices):
        READ = "read"
        GENERATE = "generate"
        BILLING = "billing"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    # What of the text may be shown again: its beginning and its end.
    prefix = models.CharField(max_length=8)
    last4 = models.CharField(max_length=4)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    objects = ApiKeyQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…{self.last4})"
