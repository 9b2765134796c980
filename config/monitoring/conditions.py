"""What staff must know about: each check finds what is wrong now, for config.lib.alerts.

A check that fails leaves its alerts as they are, and the others go on.
"""

import logging
import socket
from collections.abc import Callable, Iterator
from decimal import Decimal

from django.conf import settings

from billing.reports import audit_state
from config.lib import alerts, clock, disk
from config.lib.alert_kinds import AlertKind
from config.lib.alerts import Condition
from config.lib.mail import queue as emails
from showcase import visitor_messages
from videos.engines import balances
from videos.engines.errors import EngineError
from videos.jobs.engine_choice import circuit_breaker
from videos.models import Video
from videos.reports import queues

log = logging.getLogger(__name__)

# After this long without an audit, which runs every night, something keeps it from running.
AUDIT_LATE_SECONDS = 2 * 24 * 3600
# A step that no worker has taken for this long.
STEPS_LATE_SECONDS = 120


def check_all() -> None:
    """Check everything, and open and clear alerts; may ask engines over the network."""
    for kind, find in CHECKS.items():
        try:
            alerts.record(kind, list(find()), decides=DECIDES.get(kind, _always))
        except Exception:  # the other checks must go on
            log.exception("the check for alerts of the kind %s failed", kind.value)
    watched = settings.ALERT_ENGINE_BALANCE
    for name, least in watched.items():
        _check_balance(name, least)
    alerts.record(AlertKind.BALANCE, [], decides=lambda subject: subject not in watched)
    alerts.clear_lost(AlertKind.DISK)


def _review() -> Iterator[Condition]:
    if count := audit_state.count_payments_to_review():
        yield Condition("payments", f"{count} payment(s) are under review.")
    if count := visitor_messages.count_open()["abusereport"]:
        yield Condition("abuse reports", f"{count} abuse report(s) are open.")


def _audit() -> Iterator[Condition]:
    last = audit_state.last_audit()
    if last and last.problems:
        run = f"{last.run_at:%Y-%m-%d %H:%M} UTC"
        yield Condition("", f"The audit of {run} left {last.problems} problem(s).")
    if last and (clock.now() - last.run_at).total_seconds() > AUDIT_LATE_SECONDS:
        yield Condition("late", f"The last audit was on {last.run_at:%Y-%m-%d}.")


def _circuits() -> Iterator[Condition]:
    for name, row in circuit_breaker.open_circuits().items():
        since = f"{row.opened_at:%Y-%m-%d %H:%M} UTC"
        yield Condition(name, f"Since {since}; the last error was {row.error_code}.")


def _queue() -> Iterator[Condition]:
    orders = queues.videos_by_state()[Video.Status.QUEUED]
    if orders.oldest_seconds > settings.ALERT_QUEUE_AGE.total_seconds():
        minutes = round(orders.oldest_seconds / 60)
        yield Condition("orders", f"{orders.count} wait, the oldest for {minutes} minutes.")
    steps = queues.overdue_steps()
    if steps.oldest_seconds > STEPS_LATE_SECONDS:
        minutes = round(steps.oldest_seconds / 60)
        yield Condition("steps", f"{steps.count} are due, the oldest since {minutes} minutes.")


def _disks() -> Iterator[Condition]:
    for folder in disk.full_folders():
        free = disk.free_bytes(folder) // 1024**2
        yield Condition(f"{_own_disks()}{folder}", f"{free} MB are free.")


def _mail() -> Iterator[Condition]:
    if count := emails.stuck().count():
        yield Condition("", f"{count} e-mail(s) wait for the mail server.")


def _check_balance(name: str, least: Decimal) -> None:
    """Ask one engine; without an answer its alert stays as it is."""
    try:
        balance = balances.balance_of(name)
    except EngineError as error:
        log.warning("the engine %s did not tell its balance: %s", name, error)
        return
    except Exception:  # the other checks must go on
        log.exception("the balance at the engine %s could not be asked for", name)
        return
    is_low = balance is not None and balance < least
    found = [Condition(name, f"The balance is {balance}, less than {least}.")] if is_low else []
    alerts.record(AlertKind.BALANCE, found, decides=lambda subject: subject == name)


def _own_disks() -> str:
    return f"{socket.gethostname()}:"


def _always(_subject: str) -> bool:
    return True


CHECKS: dict[AlertKind, Callable[[], Iterator[Condition]]] = {
    AlertKind.REVIEW: _review,
    AlertKind.AUDIT: _audit,
    AlertKind.CIRCUIT: _circuits,
    AlertKind.QUEUE: _queue,
    AlertKind.DISK: _disks,
    AlertKind.MAIL: _mail,
}
# Only a machine itself knows its disks.
DECIDES: dict[AlertKind, Callable[[str], bool]] = {
    AlertKind.DISK: lambda subject: subject.startswith(_own_disks())
}
