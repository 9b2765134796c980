"""`python -m benchmarks.audit --entries 1000000`: check one account with so many entries.

By DATABASE_URL, or on a PostgreSQL server of its own that writes to disk. Measures how long the
check takes, for how long it locks the account at most, and by how much the process grows.
"""

import argparse
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests import environment
from tests.backing import postgres

assert environment
os.environ["LOG_LEVEL"] = "CRITICAL"
ENTRIES = """
INSERT INTO billing_entry (id, account_id, sequence, type, amount, balance_before, balance_after,
    key, reference_type, reference_id, description, created_at)
SELECT gen_random_uuid(), %s, n + 1, 'spent', -1, %s - n + 1, %s - n, 'benchmark:' || n,
    '', '', '', now() FROM generate_series(1, %s) AS numbers(n)
"""
ALLOCATIONS = """
INSERT INTO billing_allocation (entry_id, lot_id, amount)
SELECT id, %s, -1 FROM billing_entry WHERE account_id = %s AND type = 'spent'
"""


def measure(entries: int) -> None:
    from django.db import connection  # noqa: PLC0415

    from accounts.people import signup  # noqa: PLC0415
    from billing.ledger import credits, invariants  # noqa: PLC0415
    from billing.models import Account, Lot  # noqa: PLC0415

    user = signup.open_account("many-entries", "", None)
    first = credits.available(user)
    credits.grant(user, entries, credits.Kind.BONUS, "benchmark", expires_at=None)
    lot = Lot.objects.get(account_id=user.pk, amount=entries)
    total = first + entries
    with connection.cursor() as cursor:
        cursor.execute(ENTRIES.replace("n + 1, 'spent'", "n + 2, 'spent'"),
                       [user.pk, total, total, entries])  # fmt: skip
        cursor.execute(ALLOCATIONS, [lot.pk, user.pk])
        cursor.execute("VACUUM ANALYZE billing_entry, billing_allocation")
    Lot.objects.filter(pk=lot.pk).update(remaining=0)
    Account.objects.filter(pk=user.pk).update(
        balance=first, total_spent=entries, last_sequence=entries + 2
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    with _locks(connection) as locked:
        found = invariants.problems_of(user.pk)
    took = time.monotonic() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    assert found == [], found
    print(f"{entries} entries: {took:.1f} s, {len(locked)} locks, the longest "
          f"{max(locked) * 1000:.0f} ms, {grown} MB more memory")  # fmt: skip


@contextmanager
def _locks(connection: Any) -> Iterator[list[float]]:
    """Note for how long each transaction of the block holds its lock."""
    found: list[float] = []
    began: list[float] = []

    def watch(execute: Callable[..., Any], sql: str, parameters: Any, *rest: Any) -> Any:
        if not connection.in_atomic_block:
            _end(found, began)
        elif "billing_lock_account" in sql:
            _end(found, began)
            began.append(time.monotonic())
        return execute(sql, parameters, *rest)

    with connection.execute_wrapper(watch):
        yield found
    _end(found, began)


def _end(found: list[float], began: list[float]) -> None:
    if began:
        found.append(time.monotonic() - began.pop())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    asked = parser.parse_args()
    with postgres(durable=True) as url:
        os.environ["DATABASE_URL"] = url
        import django  # noqa: PLC0415

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        measure(asked.entries)


if __name__ == "__main__":
    main()
