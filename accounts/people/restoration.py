"""The e-mail to a user who requested deletion, and its link, which restores the account.

The link works for 30 days and for this request only.
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
# Earlier requests have had their e-mail.
EMAIL_WITHIN = timedelta(days=2)


class BadLink(Exception):
    """The link is damaged or too old, or the account was restored or locked since."""


def send_emails() -> int:
    """Queue the e-mails that are due; return how many were queued."""
    since = timezone.now() - EMAIL_WITHIN
    requested = User.objects.filter(erased_at=None, deletion_requested_at__gt=since)
    return sum(
        mail.send_once(mail.Kind.DELETION, user.pk, user, partial(_compose, user))
        for user in requested
    )


def token_of(user: User) -> str:
    assert user.deletion_requested_at
    return signing.dumps(
        [user.pk.hex, user.deletion_requested_at.timestamp(), user.session_version], salt=SALT
    )


def user_of_link(token: str) -> User:
    """Return the user of a link. Raises BadLink."""
    try:
        pk, *state = signing.loads(token, salt=SALT, max_age=deletion.GRACE_PERIOD)
        user = User.objects.get(pk=UUID(pk), erased_at=None, deletion_requested_at__isnull=False)
    except (signing.BadSignature, ValueError, ValidationError, User.DoesNotExist) as error:
        raise BadLink from error
    # If staff locked the user since, session_version was raised and the link does not work.
    if (
        not user.deletion_requested_at
        or [user.deletion_requested_at.timestamp(), user.session_version] != state
    ):
        raise BadLink
    return user


def restore_by_link(token: str) -> User:
    """Restore the account of a link. Raises BadLink."""
    user = user_of_link(token)
    try:
        deletion.restore(user)
    except deletion.NotPossible as error:
        raise BadLink from error
    return user


def _compose(user: User) -> mail.EmailContent:
    assert user.deletion_requested_at
    day = formats.date_format(
        timezone.localtime(user.deletion_requested_at + deletion.GRACE_PERIOD), "DATE_FORMAT"
    )
    return mail.EmailContent(
        _("Your account will be deleted on %(day)s") % {"day": day},
        (
            _("You asked us to delete your account %(name)s. Its sign-ins and API keys have ended.")
            % {"name": user.username},
            _("On %(day)s we delete your videos, prompts and uploads for good.") % {"day": day},
            _("Until then this link restores your account; then create new API keys."),
        ),
        _("Restore my account"),
        settings.BASE_URL + reverse("return", args=[token_of(user)]),
    )
