"""The two tiers: `make test` runs every behaviour, `make test-thorough` runs much more of each.

A test that is too long for every push carries `pytest.mark.thorough`. A test that repeats something
asks `rounds` how often.
"""

import os
from collections.abc import Iterable
from typing import TypeVar

NAME = "TEST_TIER"
THOROUGH = os.environ.get(NAME) == "thorough"
ON_POSTGRES = bool(os.environ.get("DATABASE_URL"))
T = TypeVar("T")


def half(items: Iterable[T]) -> list[T]:
    """Return every second item: the even ones on SQLite, the odd ones on PostgreSQL.

    The long tier gets all.
    """
    every = list(items)
    return every if THOROUGH else every[int(ON_POSTGRES) :: 2]


def rounds(usual: int, thorough: int) -> int:
    """How often a test repeats itself in the tier that runs."""
    return thorough if THOROUGH else usual
