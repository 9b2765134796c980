"""Update and check the profile of a user."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.people import signup

# The region of a user who has not chosen one.
REGION_OF = {
    User.Language.ENGLISH: "US",
    User.Language.SIMPLIFIED_CHINESE: "CN",
    User.Language.TRADITIONAL_CHINESE: "TW",
    User.Language.JAPANESE: "JP",
    User.Language.KOREAN: "KR",
}
NAME_MIN, NAME_MAX = 3, 50


class BadProfile(Exception):
    """The value of `field` is not allowed; nothing was changed."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field


def update(user: User, **changes: Any) -> None:
    """Change all of these fields, or none. Raises BadProfile."""
    if changes.get("language", user.language) not in User.Language.values:
        raise BadProfile("language", _("Unknown language. Use zh-CN, zh-TW, en, ja or ko."))
    if changes.get("username", user.username) != user.username:
        _check_username(user, changes["username"])
    try:
        with transaction.atomic():
            for field, value in changes.items():
                setattr(user, field, value)
            user.save(update_fields=[*changes, "updated_at"])
    except IntegrityError as error:
        raise BadProfile("username", _("This name is already in use.")) from error


def region_of(user: User) -> str:
    return user.region or REGION_OF[User.Language(user.language)]


def _check_username(user: User, name: str) -> None:
    own_address = name.lower() == user.email.lower()
    if not own_address and not NAME_MIN <= len(name) <= NAME_MAX:
        raise BadProfile("username", _("A username has 3 to 50 characters."))
    if not signup.USERNAME.fullmatch(name):
        raise BadProfile("username", _("A username has letters, digits and . + - _ only."))
    if not signup.is_username_allowed(name, user.email):
        raise BadProfile("username", _("A username may not be an e-mail address."))
