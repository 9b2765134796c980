"""One supervised process: web, WebSocket, background work and, in development, the sandbox."""

import logging
import os
import sys
import threading
import time
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections
from django.utils import autoreload
from django.utils.module_loading import import_string

from accounts.models import User
from config.celery import CHORES
from config.management.commands import demo
from videos import tasks
from videos.webhooks import deliveries

log = logging.getLogger(__name__)

STOP_SECONDS = 2.0


class Command(BaseCommand):
    help = "Serve the product; with no REDIS_URL the background work runs in this process too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--first-run", action="store_true", help="people to start with")
        parser.add_argument("--no-migrate", action="store_true", help="the schema is up to date")
        parser.add_argument("--reload", action="store_true", help="start again with every change")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["reload"]:
            autoreload.run_with_reloader(self._serve, options)
        else:
            self._serve(options)

    def _serve(self, options: dict[str, Any]) -> None:
        if not options["no_migrate"]:
            call_command("migrate", verbosity=0)
        if settings.PRODUCTION:
            # Gives every static file a name with a hash of its content.
            call_command("collectstatic", interactive=False, verbosity=0)
        first_run = options["first_run"] and not settings.PRODUCTION and not User.objects.exists()
        if first_run:
            demo.people()
        if settings.USERS_FILE.exists():
            call_command("import_users", settings.USERS_FILE)
        server = uvicorn.Server(configuration())
        stop = threading.Event()
        helpers = [threading.Thread(target=self._announce, args=(server, stop, first_run))]
        if settings.EMBEDDED_WORKER:
            helpers.append(threading.Thread(target=work, args=(server, stop), name="worker"))
            helpers.append(threading.Thread(target=chores, args=(server, stop), name="chores"))
            helpers.append(threading.Thread(target=tell, args=(server, stop), name="deliveries"))
        if settings.SANDBOX:
            helpers.append(threading.Thread(target=ring, args=(server, stop), name="webhooks"))
        for helper in helpers:
            helper.daemon = True
            helper.start()
        try:
            server.run()
        except KeyboardInterrupt:
            pass  # uvicorn has stopped by now and raises the signal again
        finally:
            stop.set()
            self._finish(helpers)
        if not server.started:
            raise CommandError(f"Port {settings.PORT} could not be used. Try PORT=8001.")

    def _announce(self, server: uvicorn.Server, stop: threading.Event, first_run: bool) -> None:
        if not until_started(server, stop):
            return
        if first_run:
            demo.clips()
        self.stdout.write(welcome(first_run))
        self.stdout.flush()

    def _finish(self, helpers: list[threading.Thread]) -> None:
        until = time.monotonic() + STOP_SECONDS
        for helper in helpers:
            helper.join(max(until - time.monotonic(), 0))
        self.stdout.write("Stopped.")
        self.stdout.flush()
        sys.stderr.flush()
        # Helpers are daemons and may be anywhere: an ordinary exit would trip over one that writes.
        # A step that was under way comes due again at the next start.
        if any(helper.is_alive() for helper in helpers) or threading.active_count() > 1:
            os._exit(0)


def configuration() -> uvicorn.Config:
    return uvicorn.Config(
        "config.asgi:application",
        host=settings.BIND,
        port=settings.PORT,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
    )


def until_started(server: uvicorn.Server, stop: threading.Event) -> bool:
    """Wait until the server answers; False when it never will."""
    while not server.started and not stop.is_set():
        stop.wait(0.05)
    return server.started


def work(server: uvicorn.Server, stop: threading.Event) -> None:
    """The background work of the embedded mode, once the server (and so the sandbox) answers."""
    if not until_started(server, stop):
        return
    tasks.run(stop)


def chores(server: uvicorn.Server, stop: threading.Event) -> None:
    """What beat would ring in the scaled mode; some of it waits for the network."""
    due = [every(seconds, import_string(task)) for task, seconds in CHORES.items()]
    due.append(every(24 * 3600, tasks.audit_books))
    while until_started(server, stop) and not stop.wait(1):
        for chore in due:
            try:
                chore()
            except Exception:  # one chore must not stop the others
                log.exception("a chore failed")
        close_old_connections()


def tell(server: uvicorn.Server, stop: threading.Event) -> None:
    """Send clients' webhooks; each may take long, so they have a thread of their own."""
    while until_started(server, stop) and not stop.wait(0.5):
        try:
            deliveries.deliver_due()
        except Exception:  # a database that is away for a while must not end the work
            log.exception("webhooks stumbled")
        close_old_connections()


def ring(server: uvicorn.Server, stop: threading.Event) -> None:
    """Send the webhooks of the sandbox engine and of the sandbox Stripe."""
    from billing.sandbox import webhooks as stripe  # noqa: PLC0415 - never imported in production
    from videos.sandbox import webhooks as engine  # noqa: PLC0415

    while until_started(server, stop) and not stop.wait(0.2):
        for bell in (engine.deliver_due, stripe.deliver_due):
            try:
                bell()
            except Exception:  # a store that is busy for a while must not silence both
                log.exception("the sandbox's webhooks stumbled")


class every:  # noqa: N801 - reads as a word
    """Call something at most once in so many seconds."""

    def __init__(self, seconds: float, call: Any) -> None:
        self._seconds, self._call, self._next = seconds, call, 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds
            self._call()


def welcome(first_run: bool) -> str:
    address = (
        f"http://{'127.0.0.1' if settings.BIND == '0.0.0.0' else settings.BIND}:{settings.PORT}"  # noqa: S104
    )
    lines = [f"\n  {settings.SITE_NAME} is ready:  {address}\n"]
    if demo.exists():
        lines += [
            f"  Sign in as   {demo.USERNAME} / {demo.PASSWORD}   (has credits and a few clips)",
            "  Staff        admin / admin   at /admin/, from this machine only: change it",
        ]
    engine = next(iter(settings.ENGINES), "none")
    note = " (placeholder clips, no key needed)" if engine == "sandbox" else ""
    lines += [
        f"  Engine       {engine}{note}",
        f"  Data         {settings.DATA_DIR}",
        "  Settings     python manage.py doctor",
        "  Stop         Ctrl-C\n",
    ]
    if first_run:
        lines.insert(1, "  First run: made the database, a demo user, and ordered four clips.\n")
    return "\n".join(lines)
