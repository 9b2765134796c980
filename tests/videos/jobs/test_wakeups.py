"""Whatever makes a row due wakes its workers at once, and a worker that sleeps hears it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.conf import LazySettings
from django.conf import settings as configured
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Model, Q
from django.test import Client

from accounts.models import User
from config.lib.mail import queue as emails
from config.lib.mail.sender import EmailSender
from config.lib.models import OutgoingEmail
from config.lib.queues import wakeups
from config.lib.queues.leased_worker import LeasedWorker
from tests.conftest import ServerThread
from tests.faults.processes import wait_until
from tests.videos.conftest import claimed, failed, failed_delivery, order, running, unfetched
from videos.engines import base
from videos.engines.base import Callback, Job, JobState
from videos.engines.errors import Unavailable
from videos.jobs import callbacks, removal, rescue, state_machine
from videos.jobs.engine_choice import circuit_breaker
from videos.jobs.worker import executor, settle
from videos.models import Video, WebhookDelivery
from videos.webhooks import deliveries, endpoints
from videos.webhooks.sender import Sender

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = 3600.0
WATCHED: tuple[type[Model], ...] = (Video, WebhookDelivery, OutgoingEmail)


@pytest.fixture(autouse=True, scope="module")
def _listening() -> None:
    """The first subscription also listens to Redis, which wakes everybody once it stands."""
    event = threading.Event()
    with wakeups.subscribed(Video, event):
        event.wait(2 if configured.REDIS_URL else 0)


def woken_by(act: Callable[[], object]) -> list[type[Model]]:
    """Return the tables whose workers something wakes."""
    events = {table: threading.Event() for table in WATCHED}
    with (
        wakeups.subscribed(Video, events[Video]),
        wakeups.subscribed(WebhookDelivery, events[WebhookDelivery]),
        wakeups.subscribed(OutgoingEmail, events[OutgoingEmail]),
    ):
        act()
        return [table for table in WATCHED if events[table].is_set()]


def with_url(video: Video) -> Video:
    Video.objects.filter(pk=video.pk).update(webhook_url="https://example.com/")
    return Video.objects.get(pk=video.pk)


def test_order_wakes_the_workers_of_videos(alice: User) -> None:
    assert woken_by(lambda: order(alice)) == [Video]


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork")
def test_forked_child_does_not_wait_for_a_thread_of_its_parent() -> None:
    """Celery forks its workers; a thread that holds a lock then does not exist in the child."""
    with wakeups._lock:
        child = os.fork()
        if not child:
            signal.alarm(10)
            with wakeups.subscribed(Video, threading.Event()):
                os._exit(0)
    assert os.waitpid(child, 0) == (child, 0)


def test_nobody_is_woken_before_the_commit_and_after_a_rollback(alice: User) -> None:
    event = threading.Event()

    def roll_back() -> None:
        with suppress(ZeroDivisionError), transaction.atomic():
            order(alice)
            raise ZeroDivisionError

    def commit() -> None:
        with transaction.atomic(), wakeups.subscribed(Video, event):
            order(alice)
            assert not event.is_set()

    assert woken_by(roll_back) == []
    assert woken_by(commit) == [Video]


def test_callback_wakes_the_workers_each_time_it_is_new(alice: User) -> None:
    video = running(order(alice), poll_after=60.0)

    def call(event: str) -> None:
        assert callbacks.record_callback(video.engine, Callback(video.engine_job_id, event))

    assert woken_by(lambda: call("1")) == [Video]
    assert woken_by(lambda: call("2")) == [Video]
    assert woken_by(lambda: call("2")) == []


def test_early_callback_wakes_the_workers_when_its_job_is_known(alice: User) -> None:
    held = claimed(order(alice))
    callbacks.record_callback(held.engine, Callback("job_1", "1"), held)
    job = Job("job_1", JobState.QUEUED, poll_after=60.0)
    assert woken_by(lambda: settle.settle([(held, job)])) == [Video]


def test_request_for_the_status_wakes_the_workers_once_a_second(alice: User) -> None:
    video = running(order(alice), poll_after=60.0)
    assert woken_by(lambda: state_machine.request_poll(video)) == [Video]
    assert woken_by(lambda: state_machine.request_poll(video)) == []


def test_cancelling_and_deleting_wake_the_workers(alice: User) -> None:
    first, second = (running(order(alice, f"Boat {n}")) for n in range(2))
    assert woken_by(lambda: state_machine.cancel(first)) == [Video]
    assert woken_by(lambda: removal.delete(second)) == [Video]


def test_staff_wake_the_workers_when_they_have_a_file_fetched_again(alice: User) -> None:
    video = unfetched(order(alice), Unavailable("x", code="y"))
    if video.status == "downloading":
        state_machine.end(video, Video.Status.FAILED, code="result_unavailable", fenced=False)
    assert woken_by(lambda: rescue.request(Video.objects.get(pk=video.pk))) == [Video]


def test_orders_that_wait_are_woken_when_their_engine_works_again(
    alice: User, settings: LazySettings
) -> None:
    settings.CIRCUIT_FAILURES = 1
    video = order(alice)
    circuit_breaker.record_submit(video.engine, video.pk, Unavailable("down"))
    ends = lambda: circuit_breaker.record_submit(video.engine, video.pk, None)  # noqa: E731
    assert woken_by(ends) == [Video]


def test_end_of_a_video_wakes_the_workers_of_webhooks(alice: User) -> None:
    video = with_url(running(order(alice)))
    assert woken_by(lambda: failed(video)) == [Video, WebhookDelivery]


def test_redelivery_wakes_the_workers_of_webhooks(alice: User) -> None:
    delivery = failed_delivery(alice)
    assert woken_by(lambda: deliveries.redeliver(delivery)) == [WebhookDelivery]


def test_endpoint_that_is_enabled_again_wakes_the_workers_of_webhooks(alice: User) -> None:
    endpoint = endpoints.create(alice, url="https://example.com/")
    endpoints.change(endpoint, enabled=False)
    assert woken_by(lambda: endpoints.change(endpoint, enabled=True)) == [WebhookDelivery]


def test_email_wakes_the_workers_of_emails(alice: User) -> None:
    backend = emails.QueueBackend()
    send = EmailMessage("Hello", "Hello", "a@example.com", [alice.email])
    assert woken_by(lambda: backend.send_messages([send])) == [OutgoingEmail]
    row = OutgoingEmail.objects.get()
    row.state = OutgoingEmail.State.REFUSED
    row.save()
    assert woken_by(lambda: emails.send_again(row)) == [OutgoingEmail]


# ---- a worker that would sleep for an hour ----


@contextmanager
def sleeping(worker: LeasedWorker[Any, Any]) -> Iterator[None]:
    """Run a worker that looks for due rows by itself only once an hour."""
    worker.idle_seconds = worker.longest_pause_seconds = HOUR
    worker.longest_pause_elsewhere_seconds = HOUR
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=[stop])
    thread.start()
    try:
        time.sleep(0.3)  # it has looked, and found nothing
        yield
    finally:
        stop.set()
        thread.join()


def test_order_reaches_the_engine_at_once_when_the_worker_sleeps(
    live: ServerThread, alice: User
) -> None:
    with sleeping(executor.Executor(2)):
        video = order(alice)
        found = Video.objects.filter(pk=video.pk).exclude(engine_job_id="")
        wait_until(found.exists, "the job", 10)


def test_finished_video_is_stored_at_once_when_its_engine_calls_the_sleeping_worker(
    live: ServerThread, alice: User, settings: LazySettings
) -> None:
    settings.POLL_FIRST = settings.POLL_SLOWEST = settings.LEASE * 1000
    with sleeping(executor.Executor(2)):
        video = order(alice)
        rows = Video.objects.filter(pk=video.pk)
        wait_until(rows.filter(status="running").exists, "the job", 10)
        job = rows.get().engine_job_id
        engine = base.get(video.engine)
        wait_until(lambda: engine.fetch(job).state == JobState.SUCCEEDED, "the film")
        assert callbacks.record_callback(video.engine, Callback(job, "done"))
        wait_until(rows.filter(status="succeeded").exists, "the file", 15)


def test_webhook_is_attempted_at_once_when_the_worker_sleeps(alice: User) -> None:
    video = with_url(running(order(alice)))
    with sleeping(Sender(1)):
        failed(video)
        tried = WebhookDelivery.objects.filter(tries__gt=0)
        ended = WebhookDelivery.objects.filter(state="blocked")
        wait_until(lambda: tried.exists() or ended.exists(), "an attempt", 10)


def test_email_is_sent_at_once_when_the_worker_sleeps(alice: User) -> None:
    with sleeping(EmailSender(1)):
        EmailMessage(
            "Hello", "Hello", "a@example.com", [alice.email], connection=emails.QueueBackend()
        ).send()
        sent = OutgoingEmail.objects.filter(state=OutgoingEmail.State.SENT)
        wait_until(sent.exists, "the e-mail", 10)


def test_deletion_of_a_cancelled_job_is_tried_at_once_when_the_worker_sleeps(
    live: ServerThread, alice: User, page: Client
) -> None:
    with sleeping(executor.Executor(2)):
        video = order(alice, "A kite [[slow:400]]")
        rows = Video.objects.filter(pk=video.pk)
        wait_until(rows.filter(status="running").exists, "the job", 10)
        assert page.post(f"/v/{video.pk}/cancel/").status_code == 303
        # Engines may refuse to delete a job that still renders; that is tried again later.
        tried = rows.filter(Q(needs_cleanup=False) | Q(attempts__gt=0), status="cancelled")
        wait_until(tried.exists, "an attempt to delete the job", 10)
