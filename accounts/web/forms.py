"""Forms: sign-up and profile."""

from typing import Any, cast

from allauth.account.adapter import get_adapter
from allauth.account.forms import ChangePasswordForm, ResetPasswordKeyForm, SetPasswordForm
from allauth.account.forms import SignupForm as AccountForm
from allauth.account.models import EmailAddress
from allauth.account.utils import setup_user_email
from django import forms
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.people import address_hiding, admission, invitations, languages, signup
from billing.referrals import invitations as referral_links

PASSWORD_RULES = _("At least 8 characters. Common passwords are refused.")


class SignupForm(AccountForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password1"].help_text = PASSWORD_RULES

    def clean_username(self) -> str:
        """Refuse addresses first: that one is taken as a username would tell that it is known."""
        if settings.HIDE_REGISTERED_ADDRESSES and "@" in self.cleaned_data["username"]:
            raise forms.ValidationError(_("A username may not be an e-mail address."))
        return str(super().clean_username())

    def clean_email(self) -> str:
        """Refuse an address that may not sign up, before it is asked whether it is taken."""
        email = str(self.cleaned_data["email"])
        try:
            admission.check_address(email)
        except admission.NotAdmitted as error:
            raise forms.ValidationError(str(error)) from error
        return str(super().clean_email())

    def validate_unique_email(self, value: str) -> str:
        return value if settings.HIDE_REGISTERED_ADDRESSES else super().validate_unique_email(value)

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Sign up; with HIDE_REGISTERED_ADDRESSES send to the e-mail instead of signing in.

        Whose invitation was used meanwhile gets the page that says so.
        """
        try:
            if settings.HIDE_REGISTERED_ADDRESSES:
                return self._register(request)
            saved: tuple[User | None, HttpResponse | None] = super().try_save(request)
        except admission.NotAdmitted:
            return None, redirect("account_signup")
        return saved

    def _register(self, request: HttpRequest) -> tuple[None, HttpResponse]:
        sent, cookies = self.cleaned_data, request.COOKIES
        address_hiding.register(
            sent["username"],
            sent["email"],
            sent["password1"],
            referral=cookies.get(referral_links.COOKIE, ""),
            invitation=cookies.get(invitations.COOKIE, ""),
        )
        return None, redirect("account_email_verification_sent")

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean()
        if not signup.is_username_allowed(found.get("username", ""), found.get("email", "")):
            self.add_error("username", _("A username may not be an e-mail address."))
        return found

    def save(self, request: HttpRequest) -> User:
        """Create the user and grant the welcome credits, together or not at all."""
        adapter = get_adapter()
        # This hashes the password, which takes half a second: too long for a transaction.
        user = cast(User, adapter.save_user(request, adapter.new_user(request), self, commit=False))
        user.language = languages.current_language()
        with transaction.atomic():
            user.save()
            admission.admit(user, user.email, request.COOKIES.get(invitations.COOKIE, ""))
            setup_user_email(request, user, [EmailAddress(email=user.email)])
            signup.grant_welcome_credits(user)
            signup.record_referral(user, request.COOKIES.get(referral_links.COOKIE, ""))
        return user


class OneNewPassword(forms.Form):
    """Asks once for a new password, as the sign-up does; a button shows what was typed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        words = {"oldpassword": _("Your password"), "password1": _("New password")}
        for name, field in self.fields.items():
            field.label = words[name]
            field.widget.attrs["placeholder"] = words[name]
        self.fields["password1"].help_text = PASSWORD_RULES


class ChangedPasswordForm(OneNewPassword, ChangePasswordForm):  # type: ignore[misc]
    """A new password in place of the one that the user knows."""


class FirstPasswordForm(OneNewPassword, SetPasswordForm):  # type: ignore[misc]
    """The first password of somebody who signs in with Google."""


class NewPasswordForm(OneNewPassword, ResetPasswordKeyForm):  # type: ignore[misc]
    """The new password after the link of a reset."""

    def save(self) -> None:
        super().save()
        if settings.HIDE_REGISTERED_ADDRESSES:
            address_hiding.confirm_by_reset(self.user)


REGIONS = {
    "": _("By my language"),
    "CN": _("China"),
    "HK": _("Hong Kong"),
    "TW": _("Taiwan"),
    "JP": _("Japan"),
    "KR": _("South Korea"),
    "SG": _("Singapore"),
    "US": _("United States"),
    "EU": _("European Union"),
    "GB": _("United Kingdom"),
}


class ProfileForm(forms.Form):
    """The profile; accounts.people.profile checks the values."""

    display_name = forms.CharField(label=_("Name"), max_length=80, required=False)
    username = forms.CharField(label=_("Username"), max_length=150)
    language = forms.ChoiceField(label=_("Language"), choices=User.Language.choices)
    region = forms.ChoiceField(label=_("Region"), required=False)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.initial = getattr(user, name)
        regions = {**REGIONS, user.region: REGIONS.get(user.region, user.region)}
        cast("forms.ChoiceField", self.fields["region"]).choices = list(regions.items())
        self.fields["username"].widget.attrs["autocomplete"] = "username"
        self.fields["display_name"].widget.attrs["autocomplete"] = "name"
