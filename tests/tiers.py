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


def share(items: Iterable[T], of: int = 2) -> list[T]:
    """Return each `of`-th item: from the first one on SQLite, from the second one on PostgreSQL.

    The long tier gets all.
    """
    every = list(items)
    return every if THOROUGH else every[int(ON_POSTGRES) :: of]


def rounds(usual: int, thorough: int) -> int:
    """How often a test repeats itself in the tier that runs."""
    return thorough if THOROUGH else usual
