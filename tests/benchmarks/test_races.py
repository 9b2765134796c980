"""A few rounds of each race; `python -m benchmarks.races` runs hundreds on both databases."""

from collections.abc import Callable

import pytest

from accounts.models import User
from benchmarks import races
from tests.tiers import rounds


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("race", races.RACES)
def test_race_ends_as_required_when_fifty_calls_start_together(
    race: Callable[[User], races.Race],
) -> None:
    results = races.rounds(race, rounds(2, 25))
    assert [n for n, (held, _) in enumerate(results) if not held] == []
