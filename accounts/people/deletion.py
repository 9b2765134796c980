"""Leaving: locked at once, forgotten after 30 days, undone by a link or by staff until then.

    active ──leave──► left ──30 days──► forgotten
      ▲                │
      └───take_back────┘

What somebody leaves in the library is the business of videos.account.deletion.
"""

from datetime import timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.auth import api_keys, connections, tokens
from accounts.models import ApiKey, Session, User
from config.lib import mail

GRACE = timedelta(days=30)


class NotPossible(Exception):
    """The account is not, or no longer, one that left; nothing was changed."""


def leave(user: User) -> None:
    """Lock an account: every sign-in, key, page and socket of it ends. Safe to repeat."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk, left_at=None).update(left_at=timezone.now())
        lock(user)


def lock(user: User) -> None:
    """Keep somebody out, as staff may, and end all that is open."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(
            is_active=False, page_sign_ins=F("page_sign_ins") + 1
        )
        tokens.sign_out_everywhere(user)
        api_keys.revoke_all(user)


def unlock(user: User) -> None:
    """Let somebody whom staff locked in again; sign-ins and keys stay ended. Raises NotPossible."""
    rows = User.objects.filter(pk=user.pk, is_active=False, left_at=None, forgotten_at=None)
    if not rows.update(is_active=True):
        raise NotPossible(_("Only an account that staff locked can be unlocked."))


def take_back(user: User) -> None:
    """Undo `leave` within the 30 days; sign-ins and keys stay ended. Raises NotPossible."""
    rows = User.objects.filter(pk=user.pk, forgotten_at=None, left_at__gt=timezone.now() - GRACE)
    if not rows.update(is_active=True, left_at=None):
        raise NotPossible(_("Only an account that left within the last 30 days can be taken back."))
    # Whoever leaves again is written to again.
    mail.forget(mail.Kind.LEAVING, user.pk)


def due() -> QuerySet[User]:
    """Who left more than 30 days ago and is still known."""
    return User.objects.filter(forgotten_at=None, left_at__lte=timezone.now() - GRACE)


def forget(user: User) -> None:
    """Remove all that says who somebody was; the row stays, for the books. Safe to repeat."""
    with transaction.atomic():
        Session.objects.filter(user=user).delete()
        ApiKey.objects.filter(user=user).delete()
        EmailAddress.objects.filter(user=user).delete()
        SocialAccount.objects.filter(user=user).delete()
        Authenticator.objects.filter(user=user).delete()
        UserSession.objects.filter(user=user).delete()
        LogEntry.objects.filter(object_id=str(user.pk)).update(object_repr="", change_message="")
        user.username = f"left-{user.pk.hex}"
        user.email = user.first_name = user.last_name = user.display_name = ""
        user.avatar_url = user.region = ""
        user.is_verified = user.is_staff = user.is_superuser = False
        user.last_login = None
        user.set_unusable_password()
        user.forgotten_at = timezone.now()
        user.save()
        connections.changed(user.pk)
