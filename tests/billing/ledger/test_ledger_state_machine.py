"""The ledger equals a reference that tracks every single credit."""

import gc
import re
from collections.abc import Iterator
from importlib import import_module

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.billing.ledger_state_machine import RANDOM, LedgerMachine

SPEND: str = import_module("billing.migrations.0007_functions_of_the_ledger").SPEND


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


class WithoutFunction(LedgerMachine):
    """PostgreSQL's function leaves every spend to the statements that SQLite executes too."""

    function = re.sub(r"BEGIN.*END", "BEGIN RETURN; END", SPEND, flags=re.DOTALL)


@pytest.mark.scaled
@pytest.mark.usefixtures("db", "_frozen_garbage")
@pytest.mark.timeout(3600)
def test_ledger_equals_the_reference_when_the_function_is_not_used() -> None:
    run_state_machine_as_test(WithoutFunction, settings=RANDOM)
