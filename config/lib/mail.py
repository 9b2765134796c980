"""E-mails to people: plain text and a small HTML of the same words, in the receiver's language.

It stands at the bottom because all apps write; of a receiver it knows an address and a language.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from smtplib import SMTPRecipientsRefused
from uuid import UUID

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import translation

from config.lib.models import SentEmail

log = logging.getLogger(__name__)

Kind = SentEmail.Kind


@dataclass(frozen=True)
class Letter:
    """What is written: paragraphs, then one link; `footer` says why it came."""

    subject: str
    paragraphs: tuple[str, ...]
    label: str
    url: str
    footer: str = ""


def send(user: AbstractBaseUser, compose: Callable[[], Letter]) -> int:
    """Write to somebody; how many letters that was, none without an address.

    `compose` is called where the receiver's language is spoken. Raises what the mail server does.
    """
    address = str(getattr(user, user.get_email_field_name(), ""))
    if not address:
        return 0
    with translation.override(_language_of(user)):
        letter = compose()
        context = {
            "letter": letter,
            "site_name": settings.SITE_NAME,
            "support_email": settings.SUPPORT_EMAIL,
        }
        text = render_to_string("mail/letter.txt", context)
        html = render_to_string("mail/letter.html", context)
    mail = EmailMultiAlternatives(letter.subject, text, None, [address])
    mail.attach_alternative(html, "text/html")
    return int(mail.send())


def once(kind: Kind, reference: UUID, user: AbstractBaseUser, compose: Callable[[], Letter]) -> int:
    """`send`, but at most once for what it is about; what was not handed over is tried again.

    Raises OSError when the mail server is away: then it is for everybody else, too.
    """
    _row, is_new = SentEmail.objects.get_or_create(kind=kind, reference=reference)
    if not is_new:
        return 0
    try:
        return send(user, compose)
    except SMTPRecipientsRefused:  # and would be again
        log.warning("letter of %s %s was refused", kind, reference)
        return 0
    except OSError:
        forget(kind, reference)
        raise
    except Exception:  # one broken letter must not keep the others uninformed
        log.exception("letter of %s %s", kind, reference)
        forget(kind, reference)
        return 0


def forget(kind: Kind, reference: UUID) -> None:
    """It may be written again."""
    SentEmail.objects.filter(kind=kind, reference=reference).delete()


def _language_of(user: AbstractBaseUser) -> str:
    """Django's code of a receiver's language; the site's own when there is none."""
    try:
        return translation.get_supported_language_variant(
            str(getattr(user, "language", "")).lower()
        )
    except LookupError:
        return settings.LANGUAGE_CODE
