"""The ledger agrees with an oracle that tracks every single credit."""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.billing.machine import THOROUGH, Machine


@pytest.mark.usefixtures("db")
@pytest.mark.timeout(3600)
def test_ledger_agrees_with_the_oracle() -> None:
    run_state_machine_as_test(Machine, settings=THOROUGH)
