"""The queue of e-mails: written with the change they speak of, sent by config.lib.mail.sender.

    WAITING ◄──────► DEFERRED   the mail server, or the receiver's, does not take it yet
       │ accepted: SENT   refused for good: REFUSED   no success within RETRY_FOR: GIVEN_UP
       └◄──── send_again ────  REFUSED, GIVEN_UP

A worker leases due rows, hands them to the mail server without holding a transaction, and records
the answer fenced by its lease. When it dies between the server's answer and the record, the e-mail
is sent again with the same Message-ID. The text is deleted once the e-mail is sent, because it may
hold links that open an account.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from uuid import UUID, uuid4

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import DateTimeField, Expression, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from config.lib import batches, clock
from config.lib.mail.messages import Email
from config.lib.models import OutgoingEmail
from config.lib.prepared_queries import PreparedRows
from config.lib.queues import leases, wakeups

log = logging.getLogger(__name__)

State = OutgoingEmail.State

# The pause after the first failed attempt; each next one is twice as long, up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)
# The link that resets a password works for 72 hours; an e-mail that comes later helps nobody.
RETRY_FOR = timedelta(hours=48)
# An e-mail that the mail server has not taken for this long is worth a look at the server.
STUCK_AFTER = timedelta(minutes=10)
ERROR_MAX = 500


class NotSendable(Exception):
    """The e-mail cannot be sent again; nothing was changed."""


@dataclass(frozen=True)
class SendResult:
    """What became of one attempt: the state to record, and the mail server's words if it failed.

    `WAITING` is to try again because of the mail server, `DEFERRED` because of the receiver.
    """

    state: OutgoingEmail.State
    error: str = ""


class QueueBackend(BaseEmailBackend):
    """Django's e-mail backend of the product: it queues e-mails in the caller's transaction."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        rows = [row for message in email_messages for row in _rows_of(message)]
        OutgoingEmail.objects.bulk_create(rows)
        wakeups.announce(OutgoingEmail)
        return len(email_messages)


def _rows_of(message: EmailMessage) -> list[OutgoingEmail]:
    """Return one row for each receiver. Raises ValueError for what a row cannot hold."""
    alternatives = getattr(message, "alternatives", [])
    html = [content for content, mimetype in alternatives if mimetype == "text/html"]
    if message.attachments or message.cc or message.bcc or message.content_subtype != "plain":
        raise ValueError("a queued e-mail has a text and one HTML part, and is to one address each")
    if len(alternatives) != len(html) or len(html) > 1:
        raise ValueError("a queued e-mail has no alternative but HTML")
    now = clock.now()
    return [
        OutgoingEmail(
            kind=message.kind if isinstance(message, Email) else "other",
            user_id=message.user_id if isinstance(message, Email) else None,
            recipient=recipient,
            sender=message.from_email,
            subject=str(message.subject),
            text=str(message.body),
            html=str(html[0]) if html else "",
            headers=message.extra_headers,
            created_at=now,
            round_started_at=now,
            next_try_at=now,
        )
        for recipient in message.to
    ]


def message_of(row: OutgoingEmail) -> EmailMultiAlternatives:
    """Return the e-mail of a row, for a backend that sends. Its Message-ID is the same each time.

    The ID has the host of the sender's address, which spam filters compare.
    """
    host = parseaddr(row.sender)[1].rpartition("@")[2] or "localhost"
    headers = {**row.headers, "Message-ID": f"<{row.pk.hex}@{host}>"}
    mail = EmailMultiAlternatives(
        row.subject, row.text, row.sender, [row.recipient], headers=headers
    )
    if row.html:
        mail.attach_alternative(row.html, "text/html")
    return mail


def claim_due(limit: int) -> list[OutgoingEmail]:
    """Lease up to `limit` due e-mails, the oldest first, each worker different ones."""
    now = clock.now()
    due = OutgoingEmail.objects.filter(next_try_at__lte=now).order_by("next_try_at", "pk")
    if limit <= 0 or not due.exists():  # spares an idle worker the write lock
        return []
    token = uuid4()
    with transaction.atomic():
        leased = leases.lease_rows(due, limit, token, next_try_at=now + settings.LEASE)
    return list(leased.filter(lease=token).order_by("created_at", "pk"))


def next_due() -> datetime | None:
    """When the next e-mail is due, or a lease ends; None when none waits."""
    waiting = OutgoingEmail.objects.filter(next_try_at__isnull=False).order_by("next_try_at")
    return waiting.values_list("next_try_at", flat=True).first()


def renew_leases(rows: Iterable[OutgoingEmail]) -> None:
    """Extend the leases of e-mails that are being handed over."""
    tokens, pks = {row.lease for row in rows}, [row.pk for row in rows]
    mine = OutgoingEmail.objects.filter(pk__in=pks, lease__in=tokens)
    mine.update(next_try_at=clock.now() + settings.LEASE)


def record_result(row: OutgoingEmail, result: SendResult) -> None:
    """Record an attempt and when the next one is due; nothing for a lost lease."""
    now, state, due = clock.now(), result.state, None
    if state in OutgoingEmail.OPEN:
        due = _next_attempt_at(row, now)
        state = state if due else State.GIVEN_UP
    sent = {"text": "", "html": "", "headers": {}} if state == State.SENT else {}
    mine = OutgoingEmail.objects.filter(pk=row.pk, lease=row.lease)
    recorded = mine.update(
        state=state,
        attempts=F("attempts") + 1,
        error=result.error[:ERROR_MAX],
        next_try_at=due,
        lease=None,
        ended_at=None if due else now,
        **sent,
    )
    if recorded and state != State.SENT:
        log.warning("e-mail %s (%s) is %s: %s", row.pk, row.kind, state.value, result.error)


def _next_attempt_at(row: OutgoingEmail, now: datetime) -> datetime | None:
    """When the next attempt is due; None when the time for attempts is over."""
    pause = min(FIRST_PAUSE * 2 ** min(row.attempts, 10), LONGEST_PAUSE)
    due = now + pause
    return due if due <= row.round_started_at + RETRY_FOR else None


def send_again(row: OutgoingEmail) -> None:
    """Have an e-mail that was not sent tried at once, and for RETRY_FOR. Raises NotSendable."""
    now = clock.now()
    unsent = OutgoingEmail.objects.filter(pk=row.pk, lease=None).exclude(state=State.SENT)
    if not unsent.update(
        state=State.WAITING, attempts=0, round_started_at=now, next_try_at=now, ended_at=None
    ):
        raise NotSendable(_("Only an e-mail that was not sent can be sent again."))
    wakeups.announce(OutgoingEmail)


def stuck() -> QuerySet[OutgoingEmail]:
    """Return the e-mails that the mail server, not the receiver's, has left waiting too long."""
    return _waiting_since(clock.now() - STUCK_AFTER)


def is_any_stuck() -> bool:
    """Return whether there is one of these; costs next to nothing."""
    return bool(ANY_WAITING_SINCE.all(clock.now() - STUCK_AFTER))


def _waiting_since(limit: datetime | Expression) -> QuerySet[OutgoingEmail]:
    queued = OutgoingEmail.objects.filter(next_try_at__isnull=False)  # has an index of its own
    return queued.filter(state=State.WAITING, round_started_at__lt=limit)


ANY_WAITING_SINCE = PreparedRows(
    lambda limit: _waiting_since(limit).values_list("pk")[:1], DateTimeField
)


def deferred() -> QuerySet[OutgoingEmail]:
    """Return the e-mails that receivers have deferred for as long, seldom by a fault of ours."""
    limit = clock.now() - STUCK_AFTER
    return OutgoingEmail.objects.filter(state=State.DEFERRED, round_started_at__lt=limit)


def unsent_filters() -> dict[str, Q]:
    """Return the condition for e-mails that were refused or given up today."""
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return {"unsent": Q(state__in=(State.REFUSED, State.GIVEN_UP), ended_at__gte=today)}


def count_unsent() -> int:
    """Return how many e-mails were refused or given up today."""
    return OutgoingEmail.objects.filter(unsent_filters()["unsent"]).count()


def delete_old() -> None:
    """Delete what has ended more than EMAIL_LOG_DAYS ago."""
    batches.delete(OutgoingEmail.objects.filter(ended_at__lt=clock.now() - settings.EMAIL_LOG))


def erase(user_id: UUID, addresses: Iterable[str]) -> None:
    """Delete all e-mails to a user, also those that wait."""
    theirs = Q(user_id=user_id)
    for address in filter(None, addresses):
        theirs |= Q(recipient__iexact=address)
    OutgoingEmail.objects.filter(theirs).delete()
