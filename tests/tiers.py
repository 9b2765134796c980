"""The two tiers: `make test` runs every behaviour, `make test-thorough` runs much more of each.

A test that is too long for every push carries `pytest.mark.thorough`. A test that repeats something
asks `rounds` how often.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

import pytest

NAME = "TEST_TIER"
THOROUGH = os.environ.get(NAME) == "thorough"
ON_POSTGRES = bool(os.environ.get("DATABASE_URL"))
# Locks, queues, sockets and money: PostgreSQL and Redis get every case of these tests.
EVERY_CASE = (
    "tests/billing/ledger/",
    "tests/billing/models/",
    "tests/billing/payments/",
    "tests/config/lib/",
    "tests/faults/",
    "tests/videos/jobs/",
    "tests/videos/library/",
    "tests/videos/push/",
    "tests/videos/realtime/",
)
# What these do to the database is tested elsewhere; files, images and films are their subject.
ONLY_ON_SQLITE = (
    "tests/config/server/test_threaded_handler.py",
    "tests/videos/editing/test_limits.py",
    "tests/videos/editing/test_operations.py",
    "tests/videos/exports/test_formats.py",
    "tests/videos/media/test_conversion.py",
    "tests/videos/media/test_images.py",
    "tests/videos/media/test_probe.py",
    "tests/videos/media/test_thumbnails.py",
)
# Whole orders, which differ in what the engine answers.
END_TO_END = ("tests/videos/jobs/test_end_to_end.py", "tests/videos/jobs/test_kie_end_to_end.py")
T = TypeVar("T")


def share(items: Iterable[T], of: int = 2) -> list[T]:
    """Return each `of`-th item: from the first one on SQLite, from the second one on PostgreSQL.

    The long tier gets all.
    """
    every = list(items)
    return every if THOROUGH else every[int(ON_POSTGRES) :: of]


def rounds(usual: int, thorough: int) -> int:
    """How often a test repeats itself in the tier that runs."""
    return thorough if THOROUGH else usual


def random_examples(usual: int, thorough: int) -> int:
    """How many random examples a test tries: in the short tier half of `usual` on PostgreSQL."""
    return rounds(usual // 2 if ON_POSTGRES else usual, thorough)


def left_to_sqlite(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """The tests that the short tier leaves to SQLite.

    Of a test with several cases these are all but its first one: they differ in the input, such as
    thirty bodies that are refused alike.
    """
    if THOROUGH or not ON_POSTGRES:
        return set()
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if not item.nodeid.startswith(EVERY_CASE) or item.nodeid.startswith(END_TO_END):
            cases[item.nodeid.partition("[")[0]].append(item)
    inner = {item for found in cases.values() for item in found[1:]}
    return inner | {item for item in items if item.nodeid.startswith(ONLY_ON_SQLITE)}
