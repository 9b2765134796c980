"""E-mails as HTML files in DATA_DIR/mail, for a site without a mail server."""

import logging
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.template.loader import render_to_string
from django.utils import timezone

log = logging.getLogger(__name__)

KEPT = 200


class FolderBackend(BaseEmailBackend):
    """Writes each e-mail to a file and logs one line that says where; keeps the newest files."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        folder = settings.DATA_DIR / "mail"
        # The links in the e-mails open accounts.
        folder.mkdir(mode=0o700, exist_ok=True)
        for message in email_messages:
            file = _write(folder, message)
            log.info(
                "e-mail to %s: %s  Open %s", ", ".join(message.to), message.subject, file.as_uri()
            )
        for old in sorted(folder.glob("*.html"))[:-KEPT]:
            old.unlink(missing_ok=True)
        return len(email_messages)


def _write(folder: Path, message: EmailMessage) -> Path:
    """Write the e-mail; one with the same Message-ID is the same file."""
    number = message.extra_headers["Message-ID"].strip("<>").partition("@")[0]
    now = timezone.now()
    known = next(iter(folder.glob(f"*-{number}.html")), None)
    file = known or folder / f"{now:%Y%m%d-%H%M%S-%f}-{number}.html"
    html = [content for content, _mimetype in getattr(message, "alternatives", [])]
    context = {"message": message, "sent_at": now, "html": html[0] if html else ""}
    file.write_text(render_to_string("mail/file.html", context), encoding="utf-8")
    return file
