"""A few rounds of every race; `python -m benchmarks.races` runs hundreds on both databases."""

from collections.abc import Callable

import pytest

from accounts.models import User
from benchmarks import races


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("race", races.RACES)
def test_fifty_at_once_do_it_once(race: Callable[[User], races.Race]) -> None:
    assert [held for held, _ in races.rounds(race, 2)] == [True, True]
