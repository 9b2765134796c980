"""What each kind of e-mail is called for staff."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

LABELS: dict[str, Promise] = {
    "receipt": _("Receipt"),
    "refund": _("Refund"),
    "deletion": _("Account deletion"),
    "expiry_warning": _("Credits expire soon"),
    "digest": _("Finished videos"),
    "review": _("Comments of reviewers"),
    "webhook_disabled": _("Webhook endpoint disabled"),
    "alert": _("Alert to staff"),
    "other": _("Other"),
    # Those of allauth have the last part of their template's name.
    "email_confirmation": _("Address confirmation"),
    "email_confirmation_signup": _("Address confirmation after sign-up"),
    "account_already_exists": _("Sign-up with a known address"),
    "unknown_account": _("Password reset for an unknown address"),
    "password_reset_key": _("Password reset link"),
    "password_reset": _("Password was reset"),
    "password_changed": _("Password was changed"),
    "password_set": _("Password was set"),
    "email_changed": _("Address was changed"),
    "email_deleted": _("Address was removed"),
    "totp_activated": _("Two-factor sign-in was turned on"),
    "totp_deactivated": _("Two-factor sign-in was turned off"),
    "webauthn_added": _("A passkey was added"),
    "webauthn_removed": _("A passkey was removed"),
    "recovery_codes_generated": _("New recovery codes"),
    "account_connected": _("An account of another service was connected"),
    "account_disconnected": _("An account of another service was disconnected"),
}


def label_of(kind: str) -> str:
    """Return the words for a kind, also for one that is not known here."""
    return str(LABELS.get(kind) or kind.replace("_", " ").capitalize())
