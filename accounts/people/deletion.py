"""Account deletion: the account is locked at once and erased 30 days later.

Until then the user restores it by the link in an e-mail, or staff restore it.

    active ──request_deletion──► deletion requested ──30 days, erase──► erased
      ▲                                  │
      └────────────restore───────────────┘

videos.account.deletion removes the user's videos and uploads.
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
from accounts.models import ApiKey, ApiRequest, Session, User
from accounts.people import invitations
from billing.referrals import invitations as referral_links
from config.lib import mail
from config.lib.mail import queue as emails

GRACE_PERIOD = timedelta(days=30)


class NotPossible(Exception):
    """The account is not in a state that allows this; nothing was changed."""


def request_deletion(user: User) -> None:
    """Lock an account and note when its deletion was requested. Safe to repeat."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk, deletion_requested_at=None).update(
            deletion_requested_at=timezone.now()
        )
        lock(user)


def lock(user: User) -> None:
    """Keep a user from signing in, and end every sign-in, API key and connection."""
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(
            is_active=False, session_version=F("session_version") + 1
        )
        tokens.sign_out_everywhere(user)
        api_keys.revoke_all(user)


def unlock(user: User) -> None:
    """Undo `lock`; sign-ins and keys stay ended. Raises NotPossible."""
    rows = User.objects.filter(
        pk=user.pk, is_active=False, deletion_requested_at=None, erased_at=None
    )
    if not rows.update(is_active=True):
        raise NotPossible(_("Only an account that staff locked can be unlocked."))


def restore(user: User) -> None:
    """Undo a requested deletion; sign-ins and keys stay ended. Raises NotPossible."""
    rows = User.objects.filter(
        pk=user.pk, erased_at=None, deletion_requested_at__gt=timezone.now() - GRACE_PERIOD
    )
    if not rows.update(is_active=True, deletion_requested_at=None):
        raise NotPossible(
            _("Only an account whose deletion was requested in the last 30 days can be restored.")
        )
    # If the user requests deletion again, the e-mail is sent again.
    mail.allow_again(mail.Kind.DELETION, user.pk)


def find_due() -> QuerySet[User]:
    """Return the users whose 30 days are over and who are not erased yet."""
    limit = timezone.now() - GRACE_PERIOD
    return User.objects.filter(erased_at=None, deletion_requested_at__lte=limit)


def erase(user: User) -> None:
    """Delete all personal data; the row stays, because the ledger names it. Safe to repeat."""
    with transaction.atomic():
        Session.objects.filter(user=user).delete()
        ApiRequest.objects.filter(user=user).delete()
        ApiKey.objects.filter(user=user).delete()
        addresses = EmailAddress.objects.filter(user=user)
        emails.erase(user.pk, [user.email, *addresses.values_list("email", flat=True)])
        addresses.delete()
        SocialAccount.objects.filter(user=user).delete()
        Authenticator.objects.filter(user=user).delete()
        UserSession.objects.filter(user=user).delete()
        LogEntry.objects.filter(object_id=str(user.pk)).update(object_repr="", change_message="")
        referral_links.forget(user)
        invitations.forget(user)
        user.username = f"deleted-{user.pk.hex}"
        user.email = user.first_name = user.last_name = user.display_name = ""
        user.avatar_url = user.region = ""
        user.is_verified = user.is_staff = user.is_superuser = False
        user.last_login = None
        user.set_unusable_password()
        user.erased_at = timezone.now()
        user.save()
        connections.recheck(user.pk)
