"""The ledger equals a reference that tracks every single credit."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.billing.ledger_state_machine import RANDOM, LedgerMachine


@pytest.fixture
def _frozen_garbage() -> Iterator[None]:
    """Exclude the objects that exist already from garbage collection, to save time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("db", "_frozen_garbage")
@pytest.mark.timeout(3600)
def test_ledger_equals_the_reference_when_random_operations_run() -> None:
    run_state_machine_as_test(LedgerMachine, settings=RANDOM)
