"""What allauth's pages do beyond pages: whoever leaves or changes a password ends what is open."""

from ipaddress import ip_address
from typing import Any

import requests
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.http import Http404, HttpRequest
from django.shortcuts import redirect, resolve_url
from django.template.loader import render_to_string
from django.utils.translation import ngettext

from accounts.auth import allauth_internals, connections, tokens
from accounts.models import User
from accounts.people import google
from config.lib import rate_limits

# The address of whoever signs in from inside this process, or through a socket that has none.
NOWHERE = "::"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that everything else counts by."""
        try:
            return str(ip_address(rate_limits.address_of(request)))
        except ValueError:
            return NOWHERE

    def pre_authenticate(self, request: HttpRequest, **credentials: object) -> None:
        """Whoever was wrong too often is told how long to wait. Raises ValidationError."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            n = allauth_internals.seconds_until_login(self, request, **credentials)
            words = ngettext(
                "Too many wrong passwords. Try again in %(n)d second.",
                "Too many wrong passwords. Try again in %(n)d seconds.",
                n,
            )
            raise ValidationError(words % {"n": n}, code=error.code) from error

    def send_mail(self, template_prefix: str, email: str, context: dict[str, object]) -> None:
        """Our own words, under the name of the site."""
        ours = {"site_name": settings.SITE_NAME, "support_email": settings.SUPPORT_EMAIL}
        super().send_mail(template_prefix, email, {**ours, **context})

    def render_mail(self, *args: Any, **kwargs: Any) -> EmailMessage:
        """What allauth has as text only is sent as HTML too, in the same words."""
        mail: EmailMessage = super().render_mail(*args, **kwargs)
        if isinstance(mail, EmailMultiAlternatives) and not mail.alternatives:
            context = {"text": str(mail.body), "site_name": settings.SITE_NAME}
            mail.attach_alternative(render_to_string("mail/text.html", context), "text/html")
        return mail

    def get_signup_redirect_url(self, request: HttpRequest) -> str:
        """To the welcome, unless a prompt from the start page is waiting in the studio."""
        return resolve_url("studio" if request.session.get("draft") else "welcome")

    def logout(self, request: HttpRequest) -> None:
        """Sign a page out, and end its socket."""
        user_id = request.user.pk
        super().logout(request)
        if user_id:
            connections.changed(user_id)

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """An address whose link was followed is the user's own."""
        confirmed = bool(super().confirm_email(request, email_address))
        if confirmed:
            rows = User.objects.filter(pk=email_address.user_id, email__iexact=email_address.email)
            rows.update(is_verified=True)
        return confirmed

    def set_password(self, user: User, password: str) -> None:
        """A new password, by a reset or on the page: the tokens of the old one end."""
        super().set_password(user, password)
        tokens.sign_out_everywhere(user)


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        """A provider that is not configured has no page, either."""
        try:
            return super().get_app(request, provider, client_id)
        except SocialApp.DoesNotExist as error:
            raise Http404 from error

    def get_requests_session(self) -> requests.Session:
        """A provider that is broken has said nothing about the code it was asked of."""
        session: requests.Session = super().get_requests_session()
        session.hooks["response"].append(_raise_if_broken)
        return session

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Whose account it is, is decided where the API decides it; allauth only signs in."""
        if sociallogin.is_existing or sociallogin.state.get("process") == "connect":
            return
        identity = google.read(sociallogin.account.uid, sociallogin.account.extra_data)
        try:
            user = google.user_of(identity)
        except (google.Refused, tokens.BadCredentials) as error:
            messages.error(request, str(error))
            raise ImmediateHttpResponse(redirect("account_login")) from error
        linked = SocialAccount.objects.get(provider=google.PROVIDER, uid=identity.uid)
        sociallogin.user, sociallogin.account = user, linked


def _raise_if_broken(response: requests.Response, **_sent: Any) -> None:
    if response.status_code >= 500:
        response.raise_for_status()
