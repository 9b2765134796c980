"""The two tiers: `make test` runs every behaviour, `make test-thorough` runs much more of each.

A test that is too long for every push carries `pytest.mark.thorough`. A test that repeats something
asks `rounds` how often.
"""

import os

NAME = "TEST_TIER"
THOROUGH = os.environ.get(NAME) == "thorough"


def rounds(usual: int, thorough: int) -> int:
    """How often a test repeats itself in the tier that runs."""
    return thorough if THOROUGH else usual
