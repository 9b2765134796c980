"""A few rounds of every race; `python -m benchmarks.races` runs hundreds on both databases."""

from collections.abc import Callable

import pytest

from accounts.models import User
from benchmarks import races
from tests.tiers import rounds


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("race", races.RACES)
def test_fifty_at_once_do_it_once(race: Callable[[User], races.Race]) -> None:
    results = races.rounds(race, rounds(2, 25))
    assert [n for n, (held, _) in enumerate(results) if not held] == []
