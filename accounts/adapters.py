"""Adapters of allauth: client addresses, e-mails, redirects after sign-up, and ending sessions."""

from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import Http404, HttpRequest
from django.shortcuts import redirect, resolve_url
from django.template.loader import render_to_string

from accounts.auth import allauth_internals, connections, errors, tokens
from accounts.models import User
from accounts.people import address_hiding, admission, identities, invitations
from billing.referrals import invitations as referral_links
from config.lib import rate_limits
from config.lib.mail import Email

# For a sign-in from inside this process, or over a Unix socket.
NO_ADDRESS = "::"
# What allauth's e-mails call this site, where they do not use `site_name`.
SITE = {"name": settings.SITE_NAME, "domain": urlsplit(settings.BASE_URL).netloc}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return whether the form for a new account is shown; else its page says why not."""
        try:
            admission.check_invitation(request.COOKIES.get(invitations.COOKIE, ""))
        except admission.NotAdmitted as error:
            request.not_admitted = str(error)  # type: ignore[attr-defined]
            return False
        return True

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address that the rate limits use too."""
        try:
            return str(ip_address(rate_limits.address_of(request)))
        except ValueError:
            return NO_ADDRESS

    def pre_authenticate(self, request: HttpRequest, **credentials: object) -> None:
        """Refuse after too many failed attempts and say for how long. Raises ValidationError."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            wait = allauth_internals.seconds_until_login(self, request, **credentials)
            raise ValidationError(rate_limits.try_again(wait), code=error.code) from error

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """Send allauth's e-mails with the name, the addresses and the URL of this site.

        allauth makes links from the Host header, which whoever asks for the e-mail chooses.
        """
        ours = {
            "site_name": settings.SITE_NAME,
            "support_email": settings.SUPPORT_EMAIL,
            "current_site": SITE,
        }
        links = {name: _at_our_url(value) for name, value in context.items() if _is_link(name)}
        super().send_mail(template_prefix, email, {**ours, **context, **links})

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, object] | None = None,
        email: str | None = None,
    ) -> None:
        """Name the user, to whom the e-mail belongs."""
        with_user = {**(context or {}), "user": user}
        super().send_notification_mail(template_prefix, user, with_user, email)

    def render_mail(
        self, template_prefix: str, email: str, context: dict[str, Any], headers: Any = None
    ) -> EmailMessage:
        """Add an HTML part to the e-mails that allauth has as plain text only."""
        rendered = super().render_mail(template_prefix, email, context, headers)
        kind, user = template_prefix.rpartition("/")[2], context.get("user")
        user_id = user.pk if isinstance(user, User) else None
        mail = Email(kind, user_id, rendered.subject, rendered.body, rendered.from_email, [email])
        alternatives = [part for part, _mimetype in rendered.alternatives]
        text = {"text": str(mail.body), "site_name": settings.SITE_NAME}
        html = alternatives[0] if alternatives else render_to_string("mail/text.html", text)
        mail.attach_alternative(html, "text/html")
        return mail

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        """Go to the welcome page, or to the studio if a prompt of the start page waits there."""
        return resolve_url("studio" if request.session.get("draft") else "welcome")

    def logout(self, request: HttpRequest) -> None:
        """Sign out and close the WebSocket connections of the session."""
        user_id = request.user.pk
        super().logout(request)
        if user_id:
            connections.recheck(user_id)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Mark the user as verified when the confirmed address is theirs.

        A link confirms nothing once its address has been replaced (accounts.people.address_hiding).
        """
        with transaction.atomic():
            user = User.objects.select_for_update().get(pk=email_address.user_id)
            if not EmailAddress.objects.filter(pk=email_address.pk).exists():
                return False
            is_theirs = user.email.lower() == email_address.email.lower()
            confirmed = bool(super().confirm_email(request, email_address))
            if confirmed and is_theirs:
                address_hiding.confirm(user)
        return confirmed

    def set_password(self, user: User, password: str) -> None:
        """Set a new password and end every API session."""
        super().set_password(user, password)
        tokens.sign_out_everywhere(user)


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Name this site as passkeys know it: by its name, and by the host of its pages."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return {**entity, "name": settings.SITE_NAME}


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        """Answer 404 for a provider that is not configured."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist as error:
            raise Http404 from error

    def get_requests_session(self) -> requests.Session:
        """Raise for a 5xx answer of a provider, which says nothing about the code."""
        session: requests.Session = super().get_requests_session()
        session.hooks["response"].append(_raise_for_server_error)
        return session

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Leave allauth's own form for a new account closed: `pre_social_login` opens accounts."""
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Choose the account as the API does (accounts.people.identities); allauth then signs in.

        Whether a new account may be opened is decided there too.
        """
        if sociallogin.is_existing or sociallogin.state.get("process") == "connect":
            return
        account, cookies = sociallogin.account, request.COOKIES
        name = sociallogin.provider.name
        identity = identities.parse_identity(
            account.provider, name, account.uid, account.extra_data
        )
        try:
            user = identities.user_of(
                identity,
                cookies.get(referral_links.COOKIE, ""),
                cookies.get(invitations.COOKIE, ""),
            )
        except (identities.Refused, admission.NotAdmitted, errors.BadCredentials) as error:
            messages.error(request, str(error))
            raise ImmediateHttpResponse(redirect("account_login")) from error
        linked = SocialAccount.objects.get(provider=identity.provider, uid=identity.uid)
        sociallogin.user, sociallogin.account = user, linked


def _is_link(name: str) -> bool:
    return name.endswith("_url")


def _at_our_url(link: object) -> str:
    """Return the link with BASE_URL in place of its scheme, host and port."""
    parts = urlsplit(str(link))
    return settings.BASE_URL + urlunsplit(("", "", *parts[2:]))


def _raise_for_server_error(response: requests.Response, **_sent: Any) -> None:
    if response.status_code >= 500:
        response.raise_for_status()
