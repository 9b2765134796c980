"""The state machine fails when PostgreSQL's function that posts spends has a mutation."""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from tests.billing.ledger.test_ledger_state_machine import SPEND
from tests.billing.ledger.test_mutants import DETECTED, QUICK, Mutant
from tests.billing.ledger_state_machine import LedgerMachine

pytestmark = [pytest.mark.thorough, pytest.mark.scaled]
_ORDER = "ORDER BY l.expires_at, l.id LIMIT 1"
MUTANTS = [
    Mutant("lifo", _ORDER, "ORDER BY l.id DESC LIMIT 1"),
    Mutant("lasting-credits-first", _ORDER, "ORDER BY l.expires_at NULLS FIRST, l.id LIMIT 1"),
    Mutant("younger-of-equals-first", _ORDER, "ORDER BY l.expires_at, l.id DESC LIMIT 1"),
    Mutant("lots-of-all-users", "l.account_id = p_user AND l.remaining", "l.remaining"),
    Mutant("lot-emptied", "lot.remaining <= p_amount", "lot.remaining < p_amount"),
    Mutant("expired-credits", "OR lot.expires_at <= p_now", ""),
    Mutant("alive-a-moment-late", "lot.expires_at <= p_now", "lot.expires_at < p_now"),
    Mutant("key-not-looked-up", "e.key = p_key", "false"),
    Mutant("lot-not-changed", "SET remaining = remaining - p_amount", "SET remaining = remaining"),
    Mutant("not-in-the-total", "total_spent = total_spent + p_amount", "total_spent = total_spent"),
    Mutant("balance-unchanged", "SET balance = balance - p_amount,", "SET"),
    Mutant("sequence-stuck", "last_sequence = last_sequence + 1", "last_sequence = last_sequence"),
    Mutant("allocation-of-one", "lot.id, -p_amount", "lot.id, -1"),
]


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_machine_fails_when_the_function_has_a_mutation(mutant: Mutant) -> None:
    assert SPEND.count(mutant.old) == 1
    mutated = SPEND.replace(mutant.old, mutant.new)
    machine = type("Mutated", (LedgerMachine,), {"function": mutated})
    with pytest.raises((*DETECTED, LedgerMachine.ledger.NotEnoughCredits)):
        run_state_machine_as_test(machine, settings=QUICK)
