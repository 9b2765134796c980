"""Referrals: who invited whom, the links of users, and what the reward of a referral was."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from billing.models.payment import Payment


class ReferralLink(models.Model):
    """The code in the link by which a user invites others."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, primary_key=True, related_name="+"
    )
    code = models.CharField(max_length=16, unique=True)

    def __str__(self) -> str:
        return self.code


class Referral(models.Model):
    """A user who signed up by the link of another one, and what both earned by it.

    It is settled once, with the first payment that is granted. Later facts about this payment only
    claw credits back, or return them.
    """

    friend = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("friend")
    )
    inviter = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("inviter")
    )
    # The fingerprint of the friend's address: an address is a new friend only once.
    fingerprint = models.CharField(max_length=64, unique=True)
    # Whether the friend has confirmed the address, or need not.
    is_confirmed = models.BooleanField(_("address confirmed"))
    # The friend's first payment whose credits were granted.
    payment = models.OneToOneField(
        Payment, models.PROTECT, null=True, related_name="+", verbose_name=_("first payment")
    )
    settled_at = models.DateTimeField(_("settled"), null=True)
    # What each of them earned, before anything was clawed back; 0 for no reward.
    friend_credits = models.PositiveIntegerField(_("credits of the friend"), default=0)
    inviter_credits = models.PositiveIntegerField(_("credits of the inviter"), default=0)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("referral")
        verbose_name_plural = _("referrals")
        indexes = [models.Index(fields=["inviter", "settled_at"], name="referral_of_inviter")]
        constraints = [
            models.CheckConstraint(condition=~Q(friend=F("inviter")), name="referral_of_another"),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=False, payment__isnull=False)
                | Q(friend_credits=0, inviter_credits=0),
                name="referral_reward_is_settled",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.inviter} – {self.friend}"


class AccountAddress(models.Model):
    """The fingerprint of an address that an account has or had: its owner is no new friend."""

    # The constraint is the index of the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False
    )
    fingerprint = models.CharField(max_length=64)

    class Meta:
        indexes = [models.Index(fields=["fingerprint"], name="account_of_address")]
        constraints = [
            models.UniqueConstraint(fields=["user", "fingerprint"], name="account_address_once")
        ]

    def __str__(self) -> str:
        return self.fingerprint


class FormerAddress(models.Model):
    """The fingerprint of an erased account's address: whoever comes back is no new friend."""

    fingerprint = models.CharField(primary_key=True, max_length=64)

    def __str__(self) -> str:
        return self.fingerprint


class ReferralProgram(models.Model):
    """The one row by which staff switch referrals off and on."""

    is_active = models.BooleanField(_("referrals earn credits"), default=True)

    class Meta:
        verbose_name = _("referral programme")
        verbose_name_plural = _("referral programme")

    def __str__(self) -> str:
        return str(_("on") if self.is_active else _("off"))
