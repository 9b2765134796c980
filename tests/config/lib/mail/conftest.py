"""A mail server, and the worker that sends e-mails to it."""

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from config.lib.mail import sender
from config.lib.models import OutgoingEmail
from tests.mail_server import MailServer

State = OutgoingEmail.State


@pytest.fixture
def mail_server(settings: LazySettings) -> Iterator[MailServer]:
    """The mail server of the site; e-mails are queued as they are outside of tests."""
    settings.EMAIL_BACKEND = "config.lib.mail.queue.QueueBackend"
    settings.EMAIL_TRANSPORT = "django.core.mail.backends.smtp.EmailBackend"
    with MailServer() as server:
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        settings.EMAIL_USE_TLS, settings.EMAIL_TIMEOUT = False, 5
        yield server


def send_due() -> None:
    """Run the worker until no e-mail is due."""
    worker = sender.EmailSender(2)
    while worker.turn():
        pass
    worker.close()


def states() -> list[str]:
    return list(OutgoingEmail.objects.order_by("created_at").values_list("state", flat=True))
