"""Fingerprints of e-mail addresses: they tell whether an address was here before, nothing else.

Spellings that reach one mailbox have one fingerprint.
"""

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.crypto import salted_hmac

from billing.models import AccountAddress, FormerAddress, Referral

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


def note(user: AbstractBaseUser, address: str) -> None:
    """Note an address that an account has from now on, "" for none. Safe to repeat."""
    if address:
        row = AccountAddress(user_id=user.pk, fingerprint=fingerprint(address))
        AccountAddress.objects.bulk_create([row], ignore_conflicts=True)


def is_known(found: str, newcomer: AbstractBaseUser) -> bool:
    """Return whether a fingerprint is of an earlier friend, or of an account but the newcomer's.

    That is also an account which waits for its deletion or was erased, and an address that an
    account had before.
    """
    return (
        AccountAddress.objects.filter(fingerprint=found).exclude(user_id=newcomer.pk).exists()
        or FormerAddress.objects.filter(fingerprint=found).exists()
        or Referral.objects.filter(fingerprint=found).exists()
    )


def remember(user: AbstractBaseUser) -> None:
    """Keep the fingerprints of an account that is about to be erased. Safe to repeat."""
    found = AccountAddress.objects.filter(user_id=user.pk).values_list("fingerprint", flat=True)
    rows = [FormerAddress(fingerprint=each) for each in found]
    FormerAddress.objects.bulk_create(rows, ignore_conflicts=True)


def forget(user: AbstractBaseUser) -> None:
    """Delete what was noted of an account's addresses. Safe to repeat."""
    AccountAddress.objects.filter(user_id=user.pk).delete()
