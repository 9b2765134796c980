"""E-mails to users: plain text and HTML with the same words, in the language of the receiver."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from config.lib.models import SentEmail

log = logging.getLogger(__name__)

Kind = SentEmail.Kind


@dataclass(frozen=True)
class EmailContent:
    """The words of an e-mail: paragraphs, then one link; `footer` says why we sent it."""

    subject: str
    paragraphs: tuple[str, ...]
    label: str
    url: str
    footer: str = ""


class Email(EmailMultiAlternatives):
    """An e-mail that says what it is about: `kind`, such as "receipt", and the user, if any."""

    def __init__(self, kind: str, user_id: UUID | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind, self.user_id = kind, user_id


def send(kind: str, user: AbstractBaseUser, compose: Callable[[], EmailContent]) -> int:
    """Queue an e-mail, in the caller's transaction; return 0 for a user without an address.

    `compose` is called with the language of the receiver active.
    """
    address = str(getattr(user, user.get_email_field_name(), ""))
    if not address:
        return 0
    with translation.override(_language_of(user)):
        return _queue(kind, user.pk, address, compose())


def send_to(kind: str, address: str, compose: Callable[[], EmailContent]) -> int:
    """Queue an e-mail to an address of the operator, in the language of the site."""
    with translation.override(settings.LANGUAGE_CODE):
        return _queue(kind, None, address, compose())


def _queue(kind: str, user_id: UUID | None, address: str, content: EmailContent) -> int:
    context = {
        "content": content,
        "site_name": settings.SITE_NAME,
        "support_email": settings.SUPPORT_EMAIL,
    }
    text = render_to_string("mail/email.txt", context)
    html = render_to_string("mail/email.html", context)
    mail = Email(kind, user_id, content.subject, text, None, [address])
    mail.attach_alternative(html, "text/html")
    return int(mail.send())


def send_once(
    kind: Kind, reference: UUID, user: AbstractBaseUser, compose: Callable[[], EmailContent]
) -> int:
    """Queue an e-mail once per kind and reference; return how many were queued.

    The e-mail and its mark are written in one transaction. An e-mail that cannot be composed is
    logged, and composed again by the next call.
    """
    try:
        with transaction.atomic():
            _row, is_new = SentEmail.objects.get_or_create(kind=kind, reference=reference)
            return send(kind, user, compose) if is_new else 0
    except Exception:  # an error in one e-mail must not stop the others
        log.exception("the e-mail %s %s could not be queued", kind, reference)
        return 0


def allow_again(kind: Kind, reference: UUID) -> None:
    """Let the e-mail be sent again."""
    SentEmail.objects.filter(kind=kind, reference=reference).delete()


def _language_of(user: AbstractBaseUser) -> str:
    """Return Django's code of the receiver's language, or that of the site."""
    try:
        return translation.get_supported_language_variant(
            str(getattr(user, "language", "")).lower()
        )
    except LookupError:
        return settings.LANGUAGE_CODE
