"""Users."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _


class LowercaseEmailField(models.EmailField):
    """An e-mail address that is stored and looked up in lower case.

    Mail systems take "Ann@example.com" and "ann@example.com" for one mailbox, and phones write the
    first letter large.
    """

    def deconstruct(self) -> Any:
        """Return what migrations see: the column is that of any e-mail address."""
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.EmailField", args, kwargs

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return value.lower() if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return value.lower() if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.to_python(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value


class User(AbstractUser):
    """Someone with an account, and with credits of their own."""

    class Language(models.TextChoices):
        ENGLISH = "en", "English"
        SIMPLIFIED_CHINESE = "zh-CN", "简体中文"
        TRADITIONAL_CHINESE = "zh-TW", "繁體中文"
        JAPANESE = "ja", "日本語"
        KOREAN = "ko", "한국어"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = LowercaseEmailField(_("email address"), blank=True)
    display_name = models.CharField(_("display name"), max_length=80, blank=True)
    avatar_url = models.URLField(_("picture"), max_length=500, blank=True)
    # When an avatar was uploaded; null without one. videos.account.avatars keeps the file.
    avatar_uploaded_at = models.DateTimeField(_("picture uploaded"), null=True)
    region = models.CharField(_("region"), max_length=8, blank=True)
    language = models.CharField(
        _("language"), max_length=8, choices=Language, default=Language.ENGLISH
    )
    is_verified = models.BooleanField(_("e-mail confirmed"), default=False)
    updated_at = models.DateTimeField(auto_now=True)
    # The user is erased 30 days after the request; the row stays, because the ledger names it.
    deletion_requested_at = models.DateTimeField(_("deletion requested"), null=True)
    erased_at = models.DateTimeField(_("erased"), null=True)
    # Part of the hash of every page session: raising it ends them all.
    session_version = models.PositiveIntegerField(default=0)
    must_change_password = models.BooleanField(_("must change the password"), default=False)
    # Whether a single key, such as N, is a shortcut on the pages.
    keyboard_shortcuts = models.BooleanField(_("keyboard shortcuts"), default=True)
    # Opened by the test sign-in, which signs in to such accounts only.
    is_test = models.BooleanField(default=False)

    class Meta(AbstractUser.Meta):
        permissions = [("open_as_user", "Can see pages as a user sees them")]
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
        """Check the password; an upgrade of its hash leaves `must_change_password` as it is."""
        must_change = self.must_change_password
        is_right = super().check_password(raw_password)
        self.must_change_password = must_change
        return is_right

    def get_session_auth_hash(self) -> str:
        """Return the hash of page sessions; it changes with the password and session_version."""
        value = f"{self.password}.{self.session_version}"
        return salted_hmac("accounts.User.sessions", value, algorithm="sha256").hexdigest()

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """Return nothing: a session ends when SECRET_KEY is replaced."""
        return iter(())

    @property
    def name(self) -> str:
        return self.display_name or self.username
