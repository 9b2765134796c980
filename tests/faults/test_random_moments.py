"""Kill processes at random moments, with videos of every kind in progress."""

import os
import random
import time

import pytest

from tests.faults.checks import Violations
from tests.faults.conftest import FindViolations
from tests.faults.processes import Deployment
from tests.faults.users import HttpUser
from tests.tiers import rounds

pytestmark = pytest.mark.fault
ROUNDS = int(os.environ.get("FAULT_ROUNDS", rounds(2, 25)))
PROMPTS = (
    "A harbour",
    "A comet [[instant]]",
    "A maple [[fail:internal_error]]",
    "A fjord [[drop:after]]",
    "A dune [[poll:500x2]]",
)
ORDER_COUNT = 4  # leaves credits for one video that is cancelled


@pytest.mark.parametrize("number", range(ROUNDS))
def test_nothing_is_lost_when_processes_are_killed_at_random(
    deployment: Deployment, user: HttpUser, find_violations: FindViolations, number: int
) -> None:
    seed = int(os.environ.get("FAULT_SEED", random.randrange(10**9)))
    chance = random.Random(seed)
    print(f"FAULT_SEED={seed}")  # shown with a failure
    for prompt in chance.sample(PROMPTS, ORDER_COUNT):
        user.try_order(prompt)
        _disturb(deployment, chance, user)
    assert find_violations() == Violations()


def _disturb(deployment: Deployment, chance: random.Random, user: HttpUser) -> None:
    """Kill a process, cancel or delete a video, or do nothing, after a random delay."""
    time.sleep(chance.uniform(0, 0.8))
    deployment.start_missing()
    if chance.random() < 0.6:
        deployment.kill(chance.choice(deployment.roles))
    elif chance.random() < 0.5:
        act = chance.choice([user.cancel, user.delete])
        act(user.order("A second thought"))
