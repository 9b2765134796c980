"""Invitations to open an account: made by staff or users, each used once.

A link holds a random token, of which only a digest is stored. It counts while it is unused and not
expired, and while whoever made it may still invite.
"""

import hashlib
import secrets
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Invitation, User

COOKIE, COOKIE_SECONDS = "join", 24 * 3600
TOKEN_BYTES = 24
# How many used and expired invitations a list shows, and how long they are kept.
LISTED = 200
NOTE_MAX = 80


class NotAllowed(Exception):
    """This user may not make an invitation now; nothing was changed."""


def may_invite(user: User) -> bool:
    """Return whether a user may make invitations, where accounts need one."""
    if settings.SIGN_UP != "invitation" or not user.is_active:
        return False
    return settings.INVITATIONS_BY == "users" or user.is_staff


def create(user: User, note: str = "") -> tuple[Invitation, str]:
    """Make an invitation and return it with its link, which nothing shows again.

    Raises NotAllowed.
    """
    if not may_invite(user):
        raise NotAllowed(_("You cannot invite anybody here."))
    now, token = timezone.now(), secrets.token_urlsafe(TOKEN_BYTES)
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)  # two forms at once count one another
        waiting = _usable(now).filter(made_by=user).count()
        if not user.is_staff and waiting >= settings.INVITATIONS_PER_USER:
            raise NotAllowed(
                _("You already have %(n)s unused invitations. Withdraw one to make another.")
                % {"n": waiting}
            )
        made = Invitation.objects.create(
            digest=_digest(token),
            made_by=user,
            note=note[:NOTE_MAX],
            created_at=now,
            expires_at=now + settings.INVITATION_LIFETIME,
        )
    return made, settings.BASE_URL + reverse("join", args=[token])


def is_usable(token: str) -> bool:
    """Return whether an account can be opened with this token now."""
    return bool(token) and _usable(timezone.now()).filter(digest=_digest(token)).exists()


def use(token: str, user: User | None) -> bool:
    """Use an invitation up in the caller's transaction; of several who try at once, one gets True.

    `user` is the account that is opened with it.
    """
    now = timezone.now()
    rows = _usable(now).filter(digest=_digest(token))
    return rows.update(used_at=now, used_by=user) == 1


def list_for(user: User) -> QuerySet[Invitation]:
    """Return the invitations that a user sees, the newest first: their own; staff see all."""
    rows = Invitation.objects.select_related("made_by", "used_by")
    own = rows if user.is_staff else rows.filter(made_by=user)
    return own.order_by("-created_at")[:LISTED]


def withdraw(user: User, invitation_id: UUID) -> bool:
    """Delete an unused invitation of the user, or as staff of anybody; False when there is none."""
    rows = Invitation.objects.filter(pk=invitation_id, used_at=None)
    found = rows if user.is_staff else rows.filter(made_by=user)
    return bool(found.delete()[0])


def forget(user: User) -> None:
    """Delete what is known of invitations of a user whose account is erased."""
    Invitation.objects.filter(made_by=user).delete()


def delete_old() -> None:
    """Delete invitations that expired a lifetime ago, used or not."""
    Invitation.objects.filter(expires_at__lt=timezone.now() - settings.INVITATION_LIFETIME).delete()


def _usable(now: datetime) -> QuerySet[Invitation]:
    inviters = User.objects.filter(is_active=True)
    if settings.INVITATIONS_BY != "users":  # somebody may have been staff when they made one
        inviters = inviters.filter(is_staff=True)
    return Invitation.objects.filter(used_at=None, expires_at__gt=now, made_by__in=inviters)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
