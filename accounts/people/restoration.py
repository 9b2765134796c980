"""The way back for somebody who left: a letter says when the account goes, and its link undoes it.

The link is good for as long as the account can be taken back, and for this departure only.
"""

from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.people import deletion
from config.lib import mail

SALT = "accounts.people.restoration"
# Who left earlier has been written to, or left before there were letters.
FRESH = timedelta(days=2)


class Useless(Exception):
    """The link is damaged, too old, or of a departure that was undone."""


def write() -> int:
    """Write to those who have just left; returns how many letters that was."""
    left = User.objects.filter(forgotten_at=None, left_at__gt=timezone.now() - FRESH)
    return sum(mail.once(mail.Kind.LEAVING, user.pk, user, partial(_letter, user)) for user in left)


def token_of(user: User) -> str:
    assert user.left_at
    return signing.dumps([user.pk.hex, user.left_at.timestamp(), user.page_sign_ins], salt=SALT)


def who(token: str) -> User:
    """Whose way back a link is. Raises Useless."""
    try:
        pk, *left = signing.loads(token, salt=SALT, max_age=deletion.GRACE)
        user = User.objects.get(pk=UUID(pk), forgotten_at=None, left_at__isnull=False)
    except (signing.BadSignature, ValueError, ValidationError, User.DoesNotExist) as error:
        raise Useless from error
    # Whom staff lock afterwards stays out: that counts the page sign-ins on.
    if not user.left_at or [user.left_at.timestamp(), user.page_sign_ins] != left:
        raise Useless
    return user


def come_back(token: str) -> User:
    """Undo a departure. Raises Useless."""
    user = who(token)
    try:
        deletion.take_back(user)
    except deletion.NotPossible as error:
        raise Useless from error
    return user


def _letter(user: User) -> mail.Letter:
    assert user.left_at
    day = formats.date_format(timezone.localtime(user.left_at + deletion.GRACE), "DATE_FORMAT")
    return mail.Letter(
        _("Your account will be deleted on %(day)s") % {"day": day},
        (
            _("You closed your account %(name)s. Its sign-ins and keys have ended.")
            % {"name": user.username},
            _("On %(day)s your videos, prompts and uploads are deleted for good.") % {"day": day},
            _("Until then this link brings everything back but the sign-ins and keys."),
        ),
        _("Take my account back"),
        settings.BASE_URL + reverse("return", args=[token_of(user)]),
    )
