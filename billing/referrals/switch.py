"""Whether referrals earn credits: the operator sets how many, and staff may switch them off."""

from django.conf import settings

from billing.models import ReferralProgram


class ReferralsOff(Exception):
    """Referrals earn nothing in this installation."""


def credits_each() -> int:
    """Return what each of the two earns; 0 while referrals are switched off."""
    if not (settings.BILLING and settings.REFERRAL_CREDITS):
        return 0
    is_off = ReferralProgram.objects.filter(is_active=False).exists()
    return 0 if is_off else int(settings.REFERRAL_CREDITS)


def require_referrals() -> int:
    """Return what each of the two earns. Raises ReferralsOff."""
    each = credits_each()
    if not each:
        raise ReferralsOff("Referrals are switched off.")
    return each
