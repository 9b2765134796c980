"""Fingerprints of e-mail addresses: they tell whether an address was here before, nothing else.

Spellings that reach one mailbox have one fingerprint.
"""

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.crypto import salted_hmac

from billing.models import FormerAddress, Referral

_SALT = "billing.referrals.addresses"
# Their users may write dots wherever they like.
WITHOUT_DOTS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}


def address_of(user: AbstractBaseUser) -> str:
    """Return the e-mail address of a user, "" without one."""
    return str(getattr(user, type(user).get_email_field_name()) or "")


def fingerprint(address: str) -> str:
    """Return the fingerprint of an address, as 64 hexadecimal digits."""
    name, _at, domain = address.strip().lower().rpartition("@")
    name = name.partition("+")[0]
    if domain in WITHOUT_DOTS:
        name, domain = name.replace(".", ""), WITHOUT_DOTS[domain]
    return salted_hmac(_SALT, f"{name}@{domain}", algorithm="sha256").hexdigest()


def is_known(found: str) -> bool:
    """Return whether a fingerprint is of an earlier friend, or of an account that was erased."""
    former = FormerAddress.objects.filter(fingerprint=found)
    return former.exists() or Referral.objects.filter(fingerprint=found).exists()


def remember(user: AbstractBaseUser) -> None:
    """Note the address of an account that is about to be erased. Safe to repeat."""
    if address := address_of(user):
        row = FormerAddress(fingerprint=fingerprint(address))
        FormerAddress.objects.bulk_create([row], ignore_conflicts=True)
