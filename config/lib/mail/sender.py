"""Send due e-mails on threads: no request waits for the mail server."""

import logging
import smtplib
import threading
from datetime import datetime
from functools import partial

from django.conf import settings
from django.core.mail import get_connection

from config.lib.mail import queue
from config.lib.mail.queue import SendResult, State
from config.lib.models import OutgoingEmail
from config.lib.queues.leased_worker import LeasedWorker

log = logging.getLogger(__name__)

THREADS = 2
# An answer from here on is final (RFC 5321, 4.2.1).
PERMANENT = 500
# The mail server is closing the connection, whatever it was asked.
CLOSING = 421


class EmailSender(LeasedWorker[OutgoingEmail, SendResult]):
    """Claims due e-mails for its free threads, sends them and records the answers."""

    table = OutgoingEmail
    idle_seconds = 1.0

    def _claim(self) -> None:
        for row in queue.claim_due(self._threads - len(self._rows)):
            self._start(row, partial(deliver, row))

    def _next_due(self) -> datetime | None:
        return queue.next_due()

    def _record(self, done: list[tuple[OutgoingEmail, SendResult]]) -> None:
        for row, result in done:
            queue.record_result(row, result)

    def _renew_leases(self, rows: list[OutgoingEmail]) -> None:
        queue.renew_leases(rows)


def run(stop: threading.Event) -> None:
    """Send due e-mails until `stop` is set; then await answers for SHUTDOWN_SECONDS at most."""
    EmailSender(THREADS).run(stop)


def deliver(row: OutgoingEmail) -> SendResult:
    """Hand an e-mail to the mail server and return the result; never raises, uses no database.

    A refused sender or sign-in is a fault of our settings, so it is tried again.
    """
    try:
        get_connection(settings.EMAIL_TRANSPORT).send_messages([queue.message_of(row)])
    except smtplib.SMTPRecipientsRefused as error:
        ((code, words),) = error.recipients.values()
        later = State.WAITING if code == CLOSING else State.DEFERRED
        return SendResult(State.REFUSED if code >= PERMANENT else later, _answer(code, words))
    except smtplib.SMTPDataError as error:
        state = State.REFUSED if error.smtp_code >= PERMANENT else State.WAITING
        return SendResult(state, _answer(error.smtp_code, error.smtp_error))
    except smtplib.SMTPResponseException as error:
        return SendResult(State.WAITING, _answer(error.smtp_code, error.smtp_error))
    except OSError as error:  # smtplib's other errors are of this type too
        return SendResult(State.WAITING, f"{type(error).__name__}: {error}")
    except Exception as error:  # a bug must not stop the other e-mails
        log.exception("e-mail %s could not be sent", row.pk)
        return SendResult(State.WAITING, f"{type(error).__name__}: {error}")
    return SendResult(State.SENT)


def _answer(code: int, words: bytes | str) -> str:
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"{code} {' '.join(text.split())}"
