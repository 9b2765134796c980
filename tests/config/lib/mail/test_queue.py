"""The queue of e-mails: what a row holds, when it is tried, and what remains of it."""

import logging
from datetime import timedelta

import pytest
import time_machine
from django.conf import LazySettings
from django.core.mail import EmailMessage
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import User
from config.lib import mail
from config.lib.mail import EmailContent, queue
from config.lib.mail.queue import SendResult, State
from config.lib.models import OutgoingEmail, SentEmail
from config.management.commands import doctor
from tests.config.lib.mail.conftest import send_due, states
from tests.mail_server import MailServer
from videos.account import deletion

pytestmark = pytest.mark.django_db
CONTENT = EmailContent("Hello", ("One",), "Open", "https://example.com/secret")


def queue_email(user: User, kind: str = "test") -> OutgoingEmail:
    mail.send(kind, user, lambda: CONTENT)
    return OutgoingEmail.objects.latest("created_at")


def fail(row: OutgoingEmail, state: State = State.WAITING) -> OutgoingEmail:
    """Record a failed attempt."""
    queue.record_result(row, SendResult(state, "the mail server is away"))
    return OutgoingEmail.objects.get(pk=row.pk)


@pytest.mark.usefixtures("mail_server")
def test_no_e_mail_is_queued_when_its_transaction_fails(alice: User) -> None:
    with transaction.atomic():
        queue_email(alice)
        transaction.set_rollback(True)
    assert OutgoingEmail.objects.count() == 0


@pytest.mark.usefixtures("mail_server")
def test_e_mail_and_its_mark_are_queued_together(alice: User) -> None:
    def fails() -> EmailContent:
        raise ValueError("a template that cannot be rendered")

    assert mail.send_once(mail.Kind.RECEIPT, alice.pk, alice, fails) == 0
    assert (SentEmail.objects.count(), OutgoingEmail.objects.count()) == (0, 0)
    sent = [mail.send_once(mail.Kind.RECEIPT, alice.pk, alice, lambda: CONTENT) for _ in range(2)]
    assert (sent, SentEmail.objects.count(), OutgoingEmail.objects.count()) == ([1, 0], 1, 1)


@pytest.mark.usefixtures("mail_server")
def test_e_mail_that_a_row_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="one address each"):
        EmailMessage("Hello", "One", to=["a@example.com"], bcc=["b@example.com"]).send()


@pytest.mark.usefixtures("mail_server")
def test_e_mail_is_tried_after_growing_pauses_and_given_up_after_two_days(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    row, minutes = queue_email(alice), []
    start = row.created_at
    while row.next_try_at:
        with time_machine.travel(row.next_try_at, tick=False):
            row = fail(row)
            if row.next_try_at:
                minutes.append((row.next_try_at - timezone.now()).total_seconds() / 60)
    assert minutes[:7] == [0.5, 1, 2, 4, 8, 15, 15]
    assert row.ended_at
    assert timedelta(hours=47, minutes=45) <= row.ended_at - start <= timedelta(hours=48)
    assert (row.state, row.error) == (State.GIVEN_UP, "the mail server is away")


@pytest.mark.usefixtures("mail_server")
def test_result_of_a_lost_lease_changes_nothing(alice: User) -> None:
    queue_email(alice)
    (first,) = queue.claim_due(1)
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        (second,) = queue.claim_due(1)
        assert (fail(first).lease, fail(first).attempts) == (second.lease, 0)
        queue.record_result(second, SendResult(State.SENT))
        assert (fail(first).state, fail(first).attempts) == (State.SENT, 1)


def test_text_is_deleted_when_the_e_mail_is_sent(alice: User, mail_server: MailServer) -> None:
    row = queue_email(alice)
    assert "secret" in row.text
    send_due()
    row.refresh_from_db()
    assert (row.state, row.text, row.html, row.headers) == (State.SENT, "", "", {})
    kept = (row.kind, row.recipient, row.subject, row.attempts, row.user)
    assert kept == ("test", "alice@example.com", "Hello", 1, alice)
    (received,) = mail_server.accepted
    assert "https://example.com/secret" in str(received.get_body(("plain",)))


def test_e_mail_is_sent_again_only_when_it_was_not_sent(
    alice: User, mail_server: MailServer
) -> None:
    row = fail(queue_email(alice), State.REFUSED)
    assert row.next_try_at is None
    queue.send_again(row)
    send_due()
    assert (states(), len(mail_server.accepted)) == ([State.SENT], 1)
    with pytest.raises(queue.NotSendable):
        queue.send_again(row)


@pytest.mark.usefixtures("mail_server")
def test_log_forgets_e_mails_that_ended_a_month_ago(alice: User) -> None:
    for state in (State.REFUSED, State.WAITING):
        fail(queue_email(alice), state)
    OutgoingEmail.objects.filter(ended_at__isnull=False).update(
        ended_at=timezone.now() - timedelta(days=30)
    )
    queue.delete_old()
    assert states() == [State.WAITING]


@pytest.mark.usefixtures("mail_server")
def test_e_mails_are_deleted_when_the_account_is_erased(alice: User, bob: User) -> None:
    queue_email(bob)
    queue_email(alice)
    Client().post("/accounts/password/reset/", {"email": "alice@example.com"})
    OutgoingEmail.objects.filter(kind="password_reset_key").update(user=None)
    deletion.request_deletion(alice)
    deletion.erase_account(alice)
    assert list(OutgoingEmail.objects.values_list("user", flat=True)) == [bob.pk]


@pytest.mark.usefixtures("mail_server")
def test_health_and_doctor_say_so_when_e_mails_wait_for_ten_minutes(
    alice: User, settings: LazySettings
) -> None:
    waiting = fail(fail(queue_email(alice)))
    fail(queue_email(alice), State.DEFERRED)
    assert (Client().get("/health").json()["status"], doctor.stuck_emails()) == ("ok", [])
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        OutgoingEmail.objects.update(round_started_at=timezone.now() - timedelta(minutes=11))
        health = Client().get("/health").json()
        assert health == {"status": "degraded", "version": settings.VERSION}
        assert doctor.stuck_emails() == [
            f"1 e-mail(s) {state}, the oldest since 2026-03-01 11:49 UTC: the mail server is away"
            for state in ("wait for the mail server", "are deferred by receivers")
        ]
        waiting.delete()  # a single receiver does not make the site unhealthy
        assert Client().get("/health").json()["status"] == "ok"


@pytest.mark.usefixtures("mail_server")
def test_e_mails_of_sign_in_pages_are_queued_with_their_kind_and_user(alice: User) -> None:
    client = Client()
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})
    client.post("/accounts/password/reset/", {"email": "unknown@example.com"})
    client.force_login(alice)
    new = {"oldpassword": "alice-password", "password1": "tin-lantern-9"}
    client.post("/accounts/password/change/", new)
    queued = OutgoingEmail.objects.order_by("created_at").values_list("kind", "recipient", "user")
    assert list(queued) == [
        ("password_reset_key", "alice@example.com", alice.pk),
        ("unknown_account", "unknown@example.com", None),
        ("password_changed", "alice@example.com", alice.pk),
    ]
