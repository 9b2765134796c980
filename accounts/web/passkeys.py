"""Forms of passkeys: allauth's, made to refuse whatever a browser may send instead of an answer."""

import struct
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as webauthn
from cryptography.exceptions import InvalidSignature
from django.utils.translation import gettext_lazy as _

# What reading a forged answer makes fido2 raise.
FORGED = (
    *(AttributeError, KeyError, IndexError, TypeError, ValueError),
    *(struct.error, InvalidSignature),
)


class ClearRefusals:
    """Makes a forged answer an error of the form."""

    def clean_credential(self) -> Authenticator:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except FORGED as error:
            raise get_adapter().validation_error("incorrect_code") from error


class SignInForm(ClearRefusals, webauthn.LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey instead of a password."""


class SecondFactorForm(ClearRefusals, webauthn.AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey after the password."""


class ConfirmForm(ClearRefusals, webauthn.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey to confirm who is signed in."""


class AddForm(webauthn.AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey; one that does not check who uses it is refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["passwordless"]
        self.fields["name"].label = _("Name")
        self.fields["name"].max_length = 80
        self.fields["name"].help_text = _("Such as the device that it is on.")

    def clean(self) -> dict[str, Any]:
        self.cleaned_data["passwordless"] = True
        try:
            found: dict[str, Any] = super().clean()
        except FORGED as error:
            raise get_adapter().validation_error("incorrect_code") from error
        return found
