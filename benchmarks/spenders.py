"""One process of the ledger's benchmark: its threads write for some seconds, when asked to.

Reads a task as a line of JSON from standard input, and answers with a line of JSON: how many writes
were done, and the CPU seconds of this process. `benchmarks.ledger` starts two of them.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

from tests import environment

os.environ["LOG_LEVEL"] = "CRITICAL"

import django

django.setup()

from django.db import connection, connections  # noqa: E402

from accounts.models import User  # noqa: E402
from billing.ledger import credits  # noqa: E402
from billing.models import Account  # noqa: E402

assert environment

UPDATE = (
    "UPDATE billing_account SET balance = balance - 1, total_spent = total_spent + 1 "
    "WHERE user_id = %s"
)


def spend(user_id: UUID) -> None:
    """Spend one credit, as an order does."""
    credits.spend(User(pk=user_id), 1, f"bench:{uuid4()}")


def update(user_id: UUID) -> None:
    """Take one credit from the account alone: the least that a spend must write, the floor."""
    with connection.cursor() as cursor:
        cursor.execute(UPDATE, [Account._meta.pk.get_db_prep_value(user_id, connection)])


WRITES: dict[str, Callable[[UUID], None]] = {"spend": spend, "update": update}


def perform(task: dict[str, Any]) -> dict[str, float]:
    """Let all threads write for some seconds; each connects and writes before the time starts."""
    write, users = WRITES[task["write"]], [UUID(pk) for pk in task["users"]]
    threads, numbers, cpu = task["threads"], count(), []
    start = Barrier(threads, lambda: cpu.append(time.process_time()))

    def work(_: int) -> int:
        write(users[next(numbers) % len(users)])
        start.wait(60)
        done, until = 0, time.monotonic() + task["seconds"]
        while True:
            write(users[next(numbers) % len(users)])
            if time.monotonic() > until:
                break
            done += 1
        connections.close_all()  # PostgreSQL's stay open in the pool
        return done

    with ThreadPoolExecutor(threads) as pool:
        done = sum(pool.map(work, range(threads)))
    return {"done": done, "cpu": time.process_time() - cpu[0]}


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(perform(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
