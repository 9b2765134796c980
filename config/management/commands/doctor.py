"""What is configured, which name won, and what is missing."""

import os
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from config.lib import disk
from config.lib.mail import queue as emails
from config.lib.models import OutgoingEmail
from videos.catalog import staff_warnings
from videos.credentials import identity, own_identity, records
from videos.engines import base
from videos.engines import checks as engine_checks
from videos.engines.checks import without_password as _shown


class Command(BaseCommand):
    help = "Print what is configured, where it came from, and what is missing."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="also ask each engine, without ordering anything"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{settings.SITE_NAME} {settings.VERSION}, {settings.ENVIRONMENT}\n\n")
        self._settings()
        self._parts()
        problems = [*missing(), *(str(found.msg) for found in checks.run_checks())]
        problems += [*catalog_warnings(), *stuck_emails(), *unsigned_videos()]
        if options["check"]:
            problems += self._ask_engines()
        self.stdout.write("\nMissing or wrong" if problems else "\nNothing is missing.")
        for problem in problems:
            self.stdout.write(f"  - {problem}")

    def _ask_engines(self) -> list[str]:
        """Ask each engine and print its answer; return the problems."""
        self.stdout.write("\nEngines asked")
        found = {name: engine_checks.find_problem(name) for name in settings.ENGINES}
        for name, problem in found.items():
            self.stdout.write(f"  {name:16} {'has a problem' if problem else 'can be used'}")
        return [problem for problem in found.values() if problem]

    def _settings(self) -> None:
        self.stdout.write("Settings read from the environment")
        for reading in settings.READINGS:
            if not reading.source:
                continue
            value = "(set)" if reading.secret else _shown(os.environ[reading.source])
            others = [n for n in reading.names if n != reading.source and os.environ.get(n)]
            losers = f"   (wins over {', '.join(others)})" if others else ""
            self.stdout.write(f"  {reading.source} = {value}{losers}")
        if not any(reading.source for reading in settings.READINGS):
            self.stdout.write("  none: everything is at its default")

    def _parts(self) -> None:
        parts = {
            "Address": settings.BASE_URL,
            "Data": settings.DATA_DIR,
            "Database": f"{connection.vendor} {connection.settings_dict['NAME']}",
            "Background work": "in this process"
            if settings.EMBEDDED_WORKER
            else "celery worker and celery beat",
            "Live updates": "Redis" if settings.REDIS_URL else "in this process",
            "Files": settings.S3_BUCKET or settings.MEDIA_ROOT,
            "Videos": "kept with the files"
            if settings.KEEP_FILES
            else "streamed from the engines, not kept (KEEP_FILES=0)",
            "Engines": ", ".join(
                f"{name} at {_shown(config['base_url'])}"
                for name, config in settings.ENGINES.items()
            )
            or "none",
            "Content credentials": signer_in_words(),
        }
        self.stdout.write("\nParts")
        for name, value in parts.items():
            self.stdout.write(f"  {name:19} {value}")


def catalog_warnings() -> list[str]:
    """Prices below cost, models that end and exchange rates that lack; none without the tables."""
    try:
        return staff_warnings.find_warnings()
    except DatabaseError:
        return []


def signer_in_words() -> str:
    """Who signs the files of videos; nothing is created for the answer."""
    if not settings.CONTENT_CREDENTIALS:
        return "off (CONTENT_CREDENTIALS=0)"
    if not settings.C2PA_CERTIFICATE and not own_identity.exists():
        return "on; the first video makes a key of our own, which viewers call untrusted"
    try:
        who = identity.current()
    except identity.NoIdentity:
        return "on, but nothing can be signed"
    by = "our own key, which viewers call untrusted" if who.is_own else who.name
    return f"signed with {by}" + (f" at {settings.C2PA_SIGNING_URL}" if who.service else "")


def unsigned_videos() -> list[str]:
    """Why videos are stored without content credentials; nothing without the tables."""
    found = []
    if settings.CONTENT_CREDENTIALS and settings.C2PA_CERTIFICATE:
        try:
            identity.current()
        except identity.NoIdentity as error:
            found.append(f"content credentials: {error}")
    try:
        failed = records.failed().count()
    except DatabaseError:
        return found
    if failed:
        found.append(
            f"{failed} video(s) were stored unsigned: {records.last_error()}. When that is mended: "
            "python manage.py sign_videos"
        )
    return found


def stuck_emails() -> list[str]:
    """What keeps e-mails waiting for too long; nothing without the tables."""
    try:
        found = {
            "wait for the mail server": list(emails.stuck().order_by("round_started_at")),
            "are deferred by receivers": list(emails.deferred().order_by("round_started_at")),
        }
    except DatabaseError:
        return []
    return [_describe(rows, state) for state, rows in found.items() if rows]


def _describe(rows: list[OutgoingEmail], state: str) -> str:
    since = rows[0].round_started_at.strftime("%Y-%m-%d %H:%M UTC")
    reason = rows[0].error or "no worker has tried to send it"
    return f"{len(rows)} e-mail(s) {state}, the oldest since {since}: {reason}"


def missing() -> list[str]:
    """What keeps this installation from working, in words."""
    found = []
    if settings.BILLING and not settings.STRIPE_SECRET_KEY:
        found.append("nothing can be sold: set STRIPE_SECRET_KEY")
    if settings.REDIS_URL and connection.vendor == "sqlite":
        found.append("REDIS_URL without PostgreSQL: several processes need DATABASE_URL")
    found += [f"the disk of {folder} is nearly full" for folder in disk.full_folders()]
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            found.append("the database schema is behind: python manage.py migrate")
    except DatabaseError as error:
        found.append(f"the database does not answer: {error}")
    for name in settings.ENGINES:
        try:
            base.get(name)
        except (ImportError, ValueError) as error:
            found.append(f"engine {name}: {error}")
    return found
