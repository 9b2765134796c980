"""The worker that sends e-mails, with a mail server that is there, away, slow or refuses."""

import copy
import os
import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from celery.signals import worker_ready
from django.conf import LazySettings
from django.core.mail.backends.smtp import EmailBackend
from django.db import connections
from django.db.utils import load_backend
from django.test import Client
from django.utils import timezone

import config.settings
from accounts.models import User
from config.celery import PERIODIC_TASKS
from config.lib import draining, tasks
from config.lib.mail import queue
from config.lib.models import OutgoingEmail
from tests.concurrency import run_concurrently
from tests.config.lib.mail.conftest import State, send_due, states
from tests.config.lib.mail.test_queue import queue_email
from tests.faults import kill_points
from tests.faults.kill_points import Install
from tests.mail_server import MailServer


def go_away(server: MailServer, settings: LazySettings) -> None:
    settings.EMAIL_PORT = 1


def answer(command: str, text: str) -> Callable[[MailServer, LazySettings], None]:
    def change(server: MailServer, settings: LazySettings) -> None:
        server.answers[command] = text

    return change


def be_slow(server: MailServer, settings: LazySettings) -> None:
    server.seconds, settings.EMAIL_TIMEOUT = 1.0, 0.05


CLOSED = "SMTPServerDisconnected: Connection unexpectedly closed"
CONDITIONS = {
    "up": (lambda *_: None, State.SENT, ""),
    "away": (go_away, State.WAITING, "ConnectionRefusedError: [Errno 111] Connection refused"),
    "slow": (be_slow, State.WAITING, f"{CLOSED}: timed out"),
    "refuses the receiver": (answer("RCPT", "550 5.1 Nobody"), State.REFUSED, "550 5.1 Nobody"),
    "defers the receiver": (answer("RCPT", "451 Later"), State.DEFERRED, "451 Later"),
    "refuses the text": (answer("DATA", "554 Spam"), State.REFUSED, "554 Spam"),
    "refuses the sender": (answer("MAIL", "550 Not you"), State.WAITING, "550 Not you"),
    "is closing": (answer("RCPT", "421 Bye"), State.WAITING, "421 Bye"),
}  # fmt: skip


@pytest.mark.parametrize("condition", CONDITIONS)
def test_sign_up_and_reset_answer_alike_whatever_the_mail_server_does(
    db: None,
    mail_server: MailServer,
    settings: LazySettings,
    caplog: pytest.LogCaptureFixture,
    condition: str,
) -> None:
    change, state, error = CONDITIONS[condition]
    change(mail_server, settings)
    # Each address may get one of these e-mails in three minutes.
    name = f"ann{list(CONDITIONS).index(condition)}"
    sent = {"username": name, "email": f"{name}@example.com", "password1": "tin-lantern-9"}
    sign_up = Client().post("/accounts/signup/", sent)
    reset = Client().post("/accounts/password/reset/", sent)
    assert (sign_up["Location"], reset["Location"], mail_server.connections) == (
        *("/welcome/", "/accounts/password/reset/done/"),
        0,
    )
    assert states() == [State.WAITING] * 2
    OutgoingEmail.objects.filter(kind="email_confirmation_signup").delete()
    send_due()
    row = OutgoingEmail.objects.get(kind="password_reset_key", user__username=name)
    assert (row.state, row.error, row.attempts) == (state, error, 1)
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.django_db
def test_other_e_mails_are_sent_when_one_cannot_be_written(
    alice: User, mail_server: MailServer
) -> None:
    broken = queue_email(alice)
    queue_email(alice)
    OutgoingEmail.objects.filter(pk=broken.pk).update(subject="Two\nlines")
    send_due()
    assert (states(), len(mail_server.accepted)) == ([State.WAITING, State.SENT], 1)


@pytest.mark.django_db
def test_e_mail_keeps_its_message_id_when_the_answer_was_lost(
    alice: User, mail_server: MailServer
) -> None:
    queue_email(alice)
    mail_server.closes_after_data = True
    send_due()
    mail_server.closes_after_data = False
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        send_due()
    assert (states(), len(mail_server.ids), len(set(mail_server.ids))) == ([State.SENT], 2, 1)


@pytest.mark.django_db(transaction=True)
def test_each_e_mail_is_sent_once_when_workers_race(alice: User, mail_server: MailServer) -> None:
    for _ in range(6):
        queue_email(alice)
    assert run_concurrently([send_due] * 3) == [None] * 3
    assert (states(), len(mail_server.ids), len(set(mail_server.ids))) == ([State.SENT] * 6, 6, 6)


@pytest.mark.django_db(transaction=True)
def test_celery_worker_sends_e_mails(alice: User, mail_server: MailServer) -> None:
    assert "config.lib.tasks.delete_old_emails" in PERIODIC_TASKS
    assert tasks.start_emails in [receiver() for _key, receiver in worker_ready.receivers]
    queue_email(alice)
    try:
        thread = tasks.start_emails()
        until = time.monotonic() + 20
        while states() != [State.SENT] and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        draining.stopping.set()
        thread.join(20)
        draining.stopping.clear()
    assert (states(), len(mail_server.accepted)) == ([State.SENT], 1)


def test_every_e_mail_of_the_product_is_queued() -> None:
    shipped = (config.settings.EMAIL_BACKEND, config.settings.EMAIL_TRANSPORT)
    assert shipped == (
        "config.lib.mail.queue.QueueBackend",
        "config.lib.mail.folder.FolderBackend",
    )


KILLS: dict[str, tuple[Install, int]] = {
    "after the claim": (kill_points.after(queue, "claim_due"), 1),
    "before it is sent": (kill_points.before(EmailBackend, "send_messages"), 1),
    "after the answer": (kill_points.after(EmailBackend, "send_messages"), 2),
    "before the record": (kill_points.before(queue, "record_result"), 2),
    "after the record": (kill_points.after(queue, "record_result"), 1),
}


@pytest.mark.fault
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", KILLS)
def test_e_mail_is_received_once_when_the_worker_is_killed(
    alice: User, mail_server: MailServer, moment: str
) -> None:
    """After the answer it is sent twice with one Message-ID, by which receivers drop the second."""
    point, times = KILLS[moment]
    queue_email(alice)
    run_killed(point)
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        send_due()
    assert (states(), len(mail_server.ids), len(set(mail_server.ids))) == ([State.SENT], times, 1)


def run_killed(point: Install) -> None:
    """Run the worker in a copy of this process, which kills itself at the point."""
    child = os.fork()
    if not child:
        try:
            kept, own = connections["default"], copy.deepcopy(connections["default"].settings_dict)
            own["OPTIONS"].pop("pool", None)  # its threads are in the other process
            connections["default"] = load_backend(own["ENGINE"]).DatabaseWrapper(own, "default")
            point(lambda: os.kill(os.getpid(), signal.SIGKILL))
            send_due()
            time.sleep(5)
        finally:
            os._exit(bool(kept))
    _pid, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGKILL
