"""Signing up on a page opens an account like every other way in: with its welcome credits."""

from typing import Any, cast

from allauth.account.forms import SignupForm as AccountForm
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import signup
from accounts.models import User


class SignupForm(AccountForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hint = _("At least 8 characters, and none of the common ones.")
        self.fields["password1"].help_text = hint

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean()
        if not signup.may_be_called(found.get("username", ""), found.get("email", "")):
            self.add_error("username", _("A username may not be an address."))
        return found

    def save(self, request: HttpRequest) -> User:
        """Create the user and grant the welcome credits, together or not at all."""
        with transaction.atomic():
            user = cast(User, super().save(request))
            signup.welcome(user)
        return user
