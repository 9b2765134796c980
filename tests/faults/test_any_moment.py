"""Kill -9 at moments nobody chose, with videos of every kind in flight."""

import os
import random
import time

import pytest

from tests.faults.books import Losses
from tests.faults.conftest import Verdict
from tests.faults.house import House
from tests.faults.people import Person
from tests.tiers import rounds

pytestmark = pytest.mark.fault
ROUNDS = int(os.environ.get("FAULT_ROUNDS", rounds(3, 25)))
PROMPTS = (
    "A harbour",
    "A comet [[instant]]",
    "A maple [[fail:internal_error]]",
    "A fjord [[drop:after]]",
    "A dune [[poll:500x2]]",
)
MANY = 4  # leaves the price of one that somebody thinks better of


@pytest.mark.parametrize("number", range(ROUNDS))
def test_nothing_is_lost_when_killed_at_any_moment(
    home: House, person: Person, verdict: Verdict, number: int
) -> None:
    seed = int(os.environ.get("FAULT_SEED", random.randrange(10**9)))
    chance = random.Random(seed)
    print(f"FAULT_SEED={seed}")  # shown with a failure
    for prompt in chance.sample(PROMPTS, MANY):
        person.order_if_served(prompt)
        _strike(home, chance, person)
    assert verdict() == Losses()


def _strike(home: House, chance: random.Random, person: Person) -> None:
    """Something dies, somebody changes their mind, or neither, a moment later."""
    time.sleep(chance.uniform(0, 0.8))
    home.start_missing()
    if chance.random() < 0.6:
        home.kill(chance.choice(home.roles))
    elif chance.random() < 0.5:
        press = chance.choice([person.cancel, person.delete])
        press(person.order("A second thought"))
