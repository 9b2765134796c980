"""Invitations: the links of users, who signed up by which link, and what came of it."""

import secrets
from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Count, Q, QuerySet, Sum
from django.urls import reverse
from django.utils import timezone

from billing.ledger import clawbacks
from billing.models import Referral, ReferralLink
from billing.referrals import addresses, rewards, switch

# Without letters and digits that look alike.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 10
# How long a browser remembers whose link it opened.
COOKIE, COOKIE_SECONDS = "referral", 30 * 24 * 3600


@dataclass(frozen=True)
class Invitations:
    """A user's link, who came by it, and what the user has earned and kept."""

    code: str
    url: str
    joined: int
    paid: int
    credits_earned: int


def invitations_of(user: AbstractBaseUser) -> Invitations:
    """Return a user's link, which is made on the first call, and what came of it."""
    code = _code_of(user)
    mine = Referral.objects.filter(inviter_id=user.pk)
    counted = mine.aggregate(joined=Count("pk"), paid=Count("pk", filter=Q(payment__isnull=False)))
    return Invitations(
        code=code,
        url=settings.BASE_URL + reverse("invited", args=[code]),
        joined=counted["joined"],
        paid=counted["paid"],
        credits_earned=_earned(mine),
    )


def is_code(code: str) -> bool:
    """Return whether an active user has a link with this code."""
    return _link_of(code) is not None


def record(friend: AbstractBaseUser, code: str, *, is_confirmed: bool) -> None:
    """Note in the caller's transaction that a new user signed up by the link with this code.

    Nothing is noted for an unknown code, or for an address that an account has or had, the
    inviter's included. Whoever signs up once more with an account that waits for its owner
    replaces what was noted.
    """
    Referral.objects.filter(friend_id=friend.pk, payment=None).delete()
    link = _link_of(code) if code and switch.credits_each() else None
    address = addresses.address_of(friend)
    if link is None or not address:
        return
    found = addresses.fingerprint(address)
    if addresses.is_known(found, friend):
        return
    row = Referral(
        friend_id=friend.pk,
        inviter_id=link.user_id,
        fingerprint=found,
        is_confirmed=is_confirmed,
        created_at=timezone.now(),
    )
    # Two accounts of one mailbox may be opened at the same moment.
    Referral.objects.bulk_create([row], ignore_conflicts=True)


def forget(user: AbstractBaseUser) -> None:
    """Delete the link of an account that is being erased; keep its addresses' fingerprints only.

    Safe to repeat.
    """
    if switch.credits_each():
        addresses.remember(user)
    addresses.forget(user)
    ReferralLink.objects.filter(user_id=user.pk).delete()


def of_inviter(user: AbstractBaseUser) -> QuerySet[Referral]:
    """Return the referrals by a user's link, oldest first."""
    return Referral.objects.filter(inviter_id=user.pk).order_by("created_at", "pk")


def _code_of(user: AbstractBaseUser) -> str:
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    link, _is_new = ReferralLink.objects.get_or_create(user_id=user.pk, defaults={"code": code})
    return link.code


def _link_of(code: str) -> ReferralLink | None:
    return ReferralLink.objects.filter(code=code.strip().lower(), user__is_active=True).first()


def _earned(referrals: QuerySet[Referral]) -> int:
    rewarded = referrals.filter(inviter_credits__gt=0)
    earned = rewarded.aggregate(sum=Sum("inviter_credits"))["sum"] or 0
    keys = [rewards.inviter_key(pk) for pk in rewarded.values_list("pk", flat=True)]
    return earned - clawbacks.sum_clawed_back(keys)
