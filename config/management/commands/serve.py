"""`manage.py serve`: one process for web, WebSocket, background work and the sandbox."""

import gc
import logging
import os
import sys
import threading
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils import autoreload
from django.utils.module_loading import import_string

from accounts.models import User
from accounts.request_log.writer import Writer
from config.celery import PERIODIC_TASKS
from config.lib import draining, liveness, memory, tracing
from config.lib.mail import sender as email_sender
from config.management.commands import demo
from config.server import listening, start_lock
from config.server.uvicorn_server import Server, configuration
from videos import tasks
from videos.editing import worker as media_worker
from videos.push import keys as push_keys
from videos.webhooks import sender

log = logging.getLogger(__name__)


# Python's own.
DEFAULT_GC_THRESHOLDS = (700, 10, 10)


class Command(BaseCommand):
    help = "Serve the site. Without REDIS_URL this process does the background work too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--first-run",
            action="store_true",
            help="create demo users and clips in an empty database",
        )
        parser.add_argument("--no-migrate", action="store_true", help="do not migrate the database")
        parser.add_argument("--reload", action="store_true", help="restart when a file changes")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["reload"]:
            autoreload.run_with_reloader(self._serve, options)
        else:
            self._serve(options)

    def _serve(self, options: dict[str, Any]) -> None:
        memory.limit_heaps()
        listener = listening.listen()
        with start_lock.preparing_data():
            first_run = self._prepare_data(options)
        server, stop = Server(configuration()), draining.stopping
        threads = [threading.Thread(target=self._announce, args=(server, stop, first_run))]
        if settings.EMBEDDED_WORKER:
            threads.append(threading.Thread(target=run_worker, args=(server, stop), name="worker"))
            threads.append(
                threading.Thread(target=run_periodic_tasks, args=(server, stop), name="periodic")
            )
            threads.append(
                threading.Thread(target=deliver_webhooks, args=(server, stop), name="deliveries")
            )
            threads.append(
                threading.Thread(target=send_emails, args=(server, stop), name="e-mails")
            )
            threads.append(threading.Thread(target=make_edits, args=(server, stop), name="edits"))
            if push_keys.is_enabled():
                threads.append(
                    threading.Thread(target=send_push_messages, args=(server, stop), name="push")
                )
        if settings.SANDBOX:
            threads.append(
                threading.Thread(
                    target=deliver_sandbox_callbacks, args=(server, stop), name="sandbox"
                )
            )
        for thread in threads:
            thread.daemon = True
            thread.start()
        request_log = Writer()
        request_log.start()
        liveness.start()
        # What is loaded by now stays; for what requests leave behind Python looks as often as it
        # does by default, which manage.py has changed for the start.
        gc.freeze()
        gc.set_threshold(*DEFAULT_GC_THRESHOLDS)
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            pass  # before the server has begun to listen for signals
        finally:
            stop.set()
            # Every request has been answered by now.
            request_log.finish(server.seconds_left)
            tracing.stop()
            self._finish(threads, server.seconds_left)

    def _prepare_data(self, options: dict[str, Any]) -> bool:
        """Migrate, collect static files and import users; return whether this is the first run."""
        if not options["no_migrate"]:
            call_command("migrate", verbosity=0)
        if settings.PRODUCTION:
            # Copies static files under names with a hash of their content.
            call_command("collectstatic", interactive=False, verbosity=0)
        first_run = options["first_run"] and not settings.PRODUCTION and not User.objects.exists()
        if first_run:
            demo.people()
        if settings.USERS_FILE.exists():
            call_command("import_users", settings.USERS_FILE)
        return bool(first_run)

    def _announce(self, server: Server, stop: threading.Event, first_run: bool) -> None:
        if not wait_until_started(server, stop):
            return
        liveness.announce_ready()
        if first_run:
            demo.clips()
        self.stdout.write(start_message(first_run))
        self.stdout.flush()

    def _finish(self, threads: list[threading.Thread], seconds: float) -> None:
        until = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0))
        self.stdout.write("Stopped.")
        self.stdout.flush()
        sys.stderr.flush()
        # An ordinary exit fails while a daemon thread writes. A step that was interrupted is due
        # again after its lease.
        if any(thread.is_alive() for thread in threads) or threading.active_count() > 1:
            os._exit(0)


def wait_until_started(server: Server, stop: threading.Event) -> bool:
    """Wait until the server answers; return False when it stops before that."""
    while not server.started and not stop.is_set():
        stop.wait(0.05)
    return server.started


def run_worker(server: Server, stop: threading.Event) -> None:
    """Do the work of the queue, once the server, and with it the sandbox, answers."""
    if not wait_until_started(server, stop):
        return
    tasks.run(stop)


def run_periodic_tasks(server: Server, stop: threading.Event) -> None:
    """Run the tasks that Celery beat starts in the scaled mode; some wait for the network."""
    due = [Periodic(seconds, import_string(task)) for task, seconds in PERIODIC_TASKS.items()]
    due.append(Periodic(24 * 3600, tasks.audit_refunds))
    while wait_until_started(server, stop) and not stop.wait(1):
        for task in due:
            try:
                task()
            except Exception:  # one task must not stop the others
                log.exception("a periodic task failed")
        close_old_connections()


def deliver_webhooks(server: Server, stop: threading.Event) -> None:
    """Send webhooks, once the server answers."""
    if wait_until_started(server, stop):
        sender.run(stop)


def send_emails(server: Server, stop: threading.Event) -> None:
    """Send e-mails, once the server answers."""
    if wait_until_started(server, stop):
        email_sender.run(stop)


def make_edits(server: Server, stop: threading.Event) -> None:
    """Make edits, once the server answers."""
    if wait_until_started(server, stop):
        media_worker.run(stop)


def send_push_messages(server: Server, stop: threading.Event) -> None:
    """Send push messages, once the server answers."""
    from videos.push import sender as push_sender  # noqa: PLC0415 - loads much, for few sites

    if wait_until_started(server, stop):
        push_sender.run(stop)


def deliver_sandbox_callbacks(server: Server, stop: threading.Event) -> None:
    """Send the callbacks of the sandbox engine and the events of the sandbox Stripe."""
    from billing.sandbox import webhooks as stripe  # noqa: PLC0415 - never imported in production
    from videos.sandbox import webhooks as engine  # noqa: PLC0415

    while wait_until_started(server, stop) and not stop.wait(0.2):
        for deliver_due in (engine.deliver_due, stripe.deliver_due):
            try:
                deliver_due()
            except Exception:  # an error of one must not stop the other
                log.exception("the sandbox could not send its callbacks")


class Periodic:
    """Call a function at most once in `seconds`."""

    def __init__(self, seconds: float, call: Any) -> None:
        self._seconds, self._call, self._next = seconds, call, 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds
            self._call()


def start_message(first_run: bool) -> str:
    lines = [f"\n  {settings.SITE_NAME} is ready:  {settings.LOCAL_URL}\n"]
    has_demo, has_clips = demo.exists(), demo.has_clips()
    if first_run:
        done = ["created the database"]
        done += ["created a demo user"] if has_demo else []
        done += ["ordered four clips"] if has_clips else []
        lines.append(f"  First run: {', '.join(done)}.\n")
    if has_demo:
        owned = ["credits"] if settings.BILLING else []
        owned += ["a few clips"] if has_clips else []
        note = f"   (has {' and '.join(owned)})" if owned else ""
        lines += [
            f"  Sign in as   {demo.USERNAME} / {demo.PASSWORD}{note}",
            "  Staff        admin / admin   at /admin/, from this machine only: change it",
        ]
    engine = next(iter(settings.ENGINES), "none")
    note = " (placeholder clips, no key needed)" if engine == "sandbox" else ""
    lines += [
        f"  Engine       {engine}{note}",
        f"  Data         {settings.DATA_DIR}",
        *([] if settings.EMAIL_HOST else [f"  E-mails      {settings.DATA_DIR / 'mail'}"]),
        "  Settings     python manage.py doctor",
        "  Stop         Ctrl-C\n",
    ]
    return "\n".join(lines)
