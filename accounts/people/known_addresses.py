"""Note every address that an account gets, so that a friend who was here before is no new friend.

The addresses are that of the user, and those which the user has confirmed besides. Sign-up, Google,
the import, staff and allauth's e-mail page all save these two models.
"""

from typing import Any

from allauth.account.models import EmailAddress
from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts.models import User
from billing.referrals import addresses


@receiver(post_save, sender=User)
def note_address(instance: User, update_fields: frozenset[str] | None, raw: bool, **_: Any) -> None:
    """Note the address of a user who was saved; most saves name other fields."""
    if not raw and (update_fields is None or "email" in update_fields):
        addresses.note(instance, instance.email)


@receiver(post_save, sender=EmailAddress)
def note_confirmed_address(instance: EmailAddress, raw: bool, **_: Any) -> None:
    """Note an address that a user has confirmed."""
    if not raw and instance.verified:
        addresses.note(instance.user, instance.email)
