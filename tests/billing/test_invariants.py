"""The ledger agrees with an oracle that tracks every single credit."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.billing.machine import RANDOM, Machine


@pytest.fixture
def _unswept() -> Iterator[None]:
    """What is loaded by now is not searched for garbage again and again."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("db", "_unswept")
@pytest.mark.timeout(3600)
def test_ledger_agrees_with_the_oracle() -> None:
    run_state_machine_as_test(Machine, settings=RANDOM)
