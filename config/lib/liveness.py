"""Tells whoever watches this process from outside that its loops still turn.

A process without a port has no address that could be asked. It touches HEARTBEAT_FILE, and tells
systemd where that has started it, for as long as no loop is stuck; the watcher restarts it when
it has heard nothing for a while.
"""

import logging
import os
import socket
import threading
import time

from django.conf import settings

log = logging.getLogger(__name__)

REPORT_SECONDS = 5.0
# Longer than a migration should lock a table on which a turn waits.
STUCK_SECONDS = 600.0

# When each loop of this process has begun its last turn.
_turns: dict[str, float] = {}


def note_turn(loop: str) -> None:
    """Note that a loop begins a turn; from now on it counts."""
    _turns[loop] = time.monotonic()


def note_end(loop: str) -> None:
    """Note that a loop has ended in order, and counts no longer."""
    _turns.pop(loop, None)


def stuck_loops() -> list[str]:
    """Return the loops whose last turn began more than STUCK_SECONDS ago."""
    now = time.monotonic()
    return sorted(loop for loop, begun in list(_turns.items()) if now - begun > STUCK_SECONDS)


def report() -> None:
    """Tell the watchers once that this process is alive, unless one of its loops is stuck."""
    if stuck := stuck_loops():
        log.error("this process hangs and will be restarted: %s", ", ".join(stuck))
        return
    if settings.HEARTBEAT_FILE:
        settings.HEARTBEAT_FILE.touch()
    _tell_systemd("WATCHDOG=1")


def start() -> None:
    """Report from now on every REPORT_SECONDS, in a thread of its own, if anybody watches."""
    if settings.HEARTBEAT_FILE or os.environ.get("NOTIFY_SOCKET"):
        threading.Thread(target=_report_forever, name="liveness", daemon=True).start()


def announce_ready() -> None:
    """Tell systemd that this process has started; `systemctl start` waits for that."""
    _tell_systemd("READY=1")


def _report_forever() -> None:
    while True:
        try:
            report()
        except OSError as error:  # a full disk must not end the reports for good
            log.warning("this process could not report that it is alive: %s", error)
        time.sleep(REPORT_SECONDS)


def _tell_systemd(message: str) -> None:
    """Send a message as sd_notify(3) does."""
    if address := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            # A name that begins with @ has no file.
            line.connect("\0" + address[1:] if address.startswith("@") else address)
            line.sendall(message.encode())
