"""The machine is worth its time: each of these planted mistakes is noticed."""

import inspect
from dataclasses import dataclass
from types import ModuleType

import pytest
from django.db import IntegrityError
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from billing.ledger import clawbacks, credits
from tests.billing.machine import RANDOM, Machine
from tests.billing.machine_money import MoneyMachine

QUICK = settings(
    RANDOM,
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
_SETTLED = "ledger._settle(account, now)\n        lot.refresh_from_db()\n        change"
_PAID_GRANT = "purpose)\n        _settle(account, now)\n        _pay_debt(account, now)"
_PAID_REFUND = "refund_of=spent)\n        _settle(account, now)\n        _pay_debt(account, now)"


pytestmark = [pytest.mark.thorough, pytest.mark.embedded]


@dataclass(frozen=True)
class Mutant:
    """A mistake: what stands in the module, once, and what stands there instead."""

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
    Mutant("debt-left-by-a-refund", _PAID_REFUND, "refund_of=spent)"),
    Mutant("debt-paid-with-the-dead", _PAID_GRANT, "purpose)\n        _pay_debt(account, now)"),
    Mutant("expiry-seen-late", "= min(filter(None", "= max(filter(None"),
    Mutant(
        "expiry-seen-early", "    _refresh_next_expiry(account)\n    return gone", "    return gone"
    ),
    Mutant("unbooked-expiry-unseen", "total_expired + account.balance - live", "total_expired"),
    Mutant("sequence-stuck", "    account.last_sequence += 1\n", ""),
]


MONEY_MUTANTS = [
    Mutant(
        "own-lot-spared",
        'own = min(_family(lot).aggregate(s=Sum("remaining"))["s"] or 0',
        "own = min(0",
    ),
    Mutant("graces-forgotten", "Q(pk=lot.pk) | Q(parent=lot)", "pk=lot.pk"),
    Mutant("graces-alone", "Q(pk=lot.pk) | Q(parent=lot)", "parent=lot"),
    Mutant("dead-taken-again", 'dead = min(-(expired["s"] or 0)', "dead = min(0"),
    Mutant("dead-counted-twice", " - lot.clawed_back_expired, change - own)", ", change - own)"),
    Mutant("anything-is-dead", "entry__type=Entry.Type.EXPIRED", "entry__type=Entry.Type.SPENT"),
    Mutant("others-spared", "others = min(account.balance - own,", "others = min(0,"),
    Mutant("debt-not-written", "account.debt += owed", "pass"),
    Mutant("debt-not-forgiven", "account.debt -= owed", "pass"),
    Mutant("others-debt-forgiven", ", account.debt, lot.clawed_back_owed)", ", account.debt)"),
    Mutant("living-without-end", "living = min(give - owed,", "living = max(give - owed,"),
    Mutant("living-never", "living = min(give - owed,", "living = min(0,"),
    Mutant("dead-forgotten", "lot.clawed_back_expired += dead", "pass"),
    Mutant("dead-not-given-again", "lot.clawed_back_expired -= give - owed - living", "pass"),
    Mutant(
        "settled-still-owed",
        "lot.clawed_back_owed -= owed + settled",
        "lot.clawed_back_owed -= owed",
    ),
    Mutant("given-again-but-dead", "now + settings.GRACE_LIFETIME if dead else ", ""),
    Mutant("given-again-too-long", "GRACE_LIFETIME if dead else lot.expires_at", "GRACE_LIFETIME"),
    Mutant("given-again-an-orphan", "parent=lot,", "parent=None,"),
    Mutant("given-again-not-told", "account.total_clawed_back -= living", "pass"),
    Mutant("debt-left-by-a-restore", "            ledger._pay_debt(account, now)\n", ""),
    Mutant("cancelled-not-counted", "lot.clawed_back += change", "pass"),
    Mutant("restored-not-counted", "lot.clawed_back -= give\n", "pass\n"),
    Mutant("younger-grace-first", 'order_by("expires_at", "id")', 'order_by("-expires_at", "-id")'),
    Mutant("expired-unbooked", _SETTLED, _SETTLED.replace("ledger._settle(account, now)", "pass")),
    Mutant("expiry-not-moved", "    ledger._refresh_next_expiry(account)\n", ""),
    Mutant("outlook-from-nothing", "max(target - lot.clawed_back, 0)", "target"),
    Mutant("outlook-without-the-dead", "    return own + others, owed", "    return own, owed"),
]


def planted(mutant: Mutant, source_of: ModuleType = credits) -> ModuleType:
    source, name = inspect.getsource(source_of), source_of.__name__
    assert source.count(mutant.old) == 1, f"{mutant.name} does not fit {name} any more"
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


@pytest.mark.usefixtures("db")
def test_money_machine_lets_the_right_reversals_live() -> None:
    class Control(MoneyMachine):
        reversals = planted(Mutant("none", "def reverse_to(", "def reverse_to("), clawbacks)

    run_state_machine_as_test(Control, settings=settings(QUICK, max_examples=5))


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("mutant", MONEY_MUTANTS, ids=lambda mutant: mutant.name)
def test_money_machine_notices(mutant: Mutant) -> None:
    class Mutated(MoneyMachine):
        reversals = planted(mutant, clawbacks)

    with pytest.raises(NOTICED):
        run_state_machine_as_test(Mutated, settings=QUICK)
