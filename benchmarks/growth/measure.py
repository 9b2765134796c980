"""What a request costs in the process that answers it, and in the database."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from django.db import connection
from django.http.response import HttpResponseBase

# The tables that are large here.
LARGE = ("videos_video", "billing_entry", "accounts_user")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """CPU milliseconds of one request, its statements, and the large tables that it scans."""

    cpu_ms: float
    statements: int
    scans: list[str]

    def __str__(self) -> str:
        parts = [f"{self.cpu_ms:.1f}", str(self.statements), *self.scans]
        return ", ".join(parts)


def cost_of(request: Callable[[], HttpResponseBase], rounds: int) -> Cost:
    """Measure a request, after one that looks at the plans of its statements.

    The CPU time is that of this process and of the PostgreSQL process that serves its connection.
    """
    with _statements() as found:
        answer = request()
    assert answer.status_code == 200, answer.status_code
    spent = []
    for _ in range(rounds):
        began = _cpu_seconds()
        request()
        spent.append(_cpu_seconds() - began)
    return Cost(
        median(spent) * 1000, len(found), sorted({s for one in found for s in _scans(*one)})
    )


def _cpu_seconds() -> float:
    return time.process_time() + _postgres_seconds()


def _postgres_seconds() -> float:
    """Return the CPU seconds of the server process behind the connection; 0 on SQLite.

    The kernel counts them in nanoseconds in `schedstat`.
    """
    if connection.vendor != "postgresql":
        return 0.0
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


@contextmanager
def _statements() -> Iterator[list[tuple[str, Any]]]:
    found: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, parameters: Any, *rest: Any) -> Any:
        found.append((sql, parameters))
        return execute(sql, parameters, *rest)

    with connection.execute_wrapper(note):
        yield found


def _scans(sql: str, parameters: Any) -> list[str]:
    """Return the large tables that this statement reads from their first row to the last."""
    if not sql.lstrip().startswith(("SELECT", "WITH")):
        return []
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}", parameters)
        steps = [str(row[-1]).strip() for row in cursor.fetchall()]
    # In the order of an index, a list stops after its first rows.
    is_cut = " LIMIT " in sql
    return [table for table in LARGE if any(_is_scan(step, table, is_cut) for step in steps)]


def _is_scan(step: str, table: str, is_cut: bool) -> bool:
    scans = f"Seq Scan on {table}" in step or step.startswith(f"SCAN {table}")
    return scans and not (is_cut and "USING INDEX" in step)
