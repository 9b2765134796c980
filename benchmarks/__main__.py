"""`make bench`: measure the figures of docs/performance.md, on SQLite or on DATABASE_URL."""

import os
import platform
import sys

from tests import environment

os.environ["LOG_LEVEL"] = "CRITICAL"

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks import gateway, ledger, live, polling, wakeups  # noqa: E402

assert environment


def main() -> None:
    call_command("migrate", verbosity=0)
    quick = "--quick" in sys.argv
    if "--wakeups" in sys.argv:
        wakeups.run(40, scaled="--scaled" in sys.argv)
        return
    if "--polling" in sys.argv:
        numbers = tuple(int(word) for word in sys.argv[1:] if word.isdigit())
        polling.run(numbers or (1000,), 20, 0.3 if "--slow" in sys.argv else 0.0)
        return
    print(f"{connection.vendor}, Python {platform.python_version()}, {os.cpu_count()} cores\n")
    print("Active videos on one worker, 5 s interval, every poll changes the progress\n")
    polling.run((1000,) if quick else (100, 1000, 1500), 12 if quick else 20)
    print("\nCredits")
    ledger.run(quick=quick)
    print("\nCPU time of a request in both dialects, the client included\n")
    gateway.run(4 if quick else 20)
    print("\nLatency from a change to the client, embedded mode\n")
    for sockets in (1,) if quick else (1, 20):
        live.run(50 if quick else 500, sockets)
    print("\nFrom an order to the engine, and from its callback to the browser, with the file\n")
    for scaled in (False, True):
        wakeups.run(10 if quick else 40, scaled=scaled)


if __name__ == "__main__":
    main()
