"""The machine is worth its time: each of these planted mistakes is noticed."""

import inspect
from dataclasses import dataclass
from types import ModuleType

import pytest
from django.db import IntegrityError
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from billing import ledger
from tests.billing.machine import THOROUGH, Machine

QUICK = settings(
    THOROUGH,
    max_examples=100,
    stateful_step_count=15,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    print_blob=False,
)
NOTICED = (AssertionError, pytest.fail.Exception, IntegrityError, IndexError)
_TAKING = "_open_lots(account.pk, now).order_by(*_SPENDING_ORDER)"
_GRACE = "if dead and grace and lot.parent_id is None:"
_PAID_GRANT = "purpose)\n        _settle(account, now)\n        _pay_debt(account, now)"
_PAID_REFUND = "reverses=spent)\n        _settle(account, now)\n        _pay_debt(account, now)"


@dataclass(frozen=True)
class Mutant:
    """A mistake: what stands in billing/ledger.py, once, and what stands there instead."""

    name: str
    old: str
    new: str


MUTANTS = [
    Mutant("grace-never", _GRACE, "if False:"),
    Mutant("grace-again", _GRACE, "if dead and grace:"),
    Mutant("grace-after-cancel", _GRACE, "if dead and lot.parent_id is None:"),
    Mutant("grace-for-the-living", _GRACE, "if grace and lot.parent_id is None:"),
    Mutant("grace-too-long", "now + settings.GRACE_LIFETIME", "now + 2 * settings.GRACE_LIFETIME"),
    Mutant("grace-of-another-kind", "kind=lot.kind,", "kind=Kind.ADJUSTED,"),
    Mutant("lifo", _TAKING, '_open_lots(account.pk, now).order_by("-id")'),
    Mutant(
        "lasting-credits-first",
        _TAKING,
        '_open_lots(account.pk, now).order_by(F("expires_at").asc(nulls_first=True), "id")',
    ),
    Mutant("younger-of-equals-first", _TAKING, f'{_TAKING[:-17]}_SPENDING_ORDER[0], "-id")'),
    Mutant("dead-a-moment-late", "expires_at__lte=now)\n    for", "expires_at__lt=now)\n    for"),
    Mutant("alive-a-moment-late", "Q(expires_at__gt=now)", "Q(expires_at__gte=now)"),
    Mutant("anybodys-lots", "living, account_id=user_pk,", "living,"),
    Mutant("last-credit-unspendable", "account.balance < amount", "account.balance <= amount"),
    Mutant("key-not-looked-up", "    if entry is None:\n        return None", "    return None"),
    Mutant("key-not-compared", "    if not same or (", "    if False and ("),
    Mutant("amount-not-compared", "entry.amount != amount", "False"),
    Mutant("refund-to-one-lot", "_give_back(lot, part, now,", "_give_back(left[0][0], part, now,"),
    Mutant("refund-in-taking-order", 'order_by("-id").values_list', 'order_by("id").values_list'),
    Mutant("refund-always-whole", "unreturned if amount is None else amount", "unreturned"),
    Mutant("refund-more-than-spent", "if not 0 < wanted <= unreturned:", "if wanted < 1:"),
    Mutant("refund-twice", "taken[origin] -= allocation.amount", "pass"),
    Mutant("refund-twice-by-grace", "else lot.parent_id\n", "else None\n"),
    Mutant("refund-not-in-the-total", "account.total_spent -= wanted", "pass"),
    Mutant("debt-left-by-a-grant", _PAID_GRANT, "purpose)"),
    Mutant("debt-left-by-a-refund", _PAID_REFUND, "reverses=spent)"),
    Mutant("debt-paid-with-the-dead", _PAID_GRANT, "purpose)\n        _pay_debt(account, now)"),
    Mutant("expiry-seen-late", "= min(filter(None", "= max(filter(None"),
    Mutant(
        "expiry-seen-early", "    _refresh_next_expiry(account)\n    return gone", "    return gone"
    ),
    Mutant("unbooked-expiry-unseen", "total_expired + account.balance - live", "total_expired"),
    Mutant("sequence-stuck", "    account.seq += 1\n", ""),
]


def planted(mutant: Mutant) -> ModuleType:
    source = inspect.getsource(ledger)
    assert source.count(mutant.old) == 1, f"{mutant.name} does not fit billing/ledger.py any more"
    module = ModuleType(mutant.name)
    exec(source.replace(mutant.old, mutant.new), module.__dict__)
    return module


@pytest.mark.usefixtures("db")
def test_machine_lets_the_right_ledger_live() -> None:
    class Control(Machine):
        ledger = planted(Mutant("none", "def grant(", "def grant("))

    run_state_machine_as_test(Control, settings=settings(QUICK, max_examples=5))


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_machine_notices(mutant: Mutant) -> None:
    class Mutated(Machine):
        ledger = planted(mutant)

    refusals = (Mutated.ledger.NotEnoughCredits, Mutated.ledger.OverRefund)
    with pytest.raises((*NOTICED, *refusals)):
        run_state_machine_as_test(Mutated, settings=QUICK)
