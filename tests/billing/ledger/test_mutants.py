"""The state machines fail when the ledger has a mutation."""

import inspect
from dataclasses import dataclass
from types import ModuleType

import pytest
from django.db import IntegrityError
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from billing.ledger import clawbacks, credits, postings
from tests.billing.ledger_state_machine import RANDOM, LedgerMachine
from tests.billing.purchase_state_machine import PurchaseMachine

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
DETECTED = (AssertionError, pytest.fail.Exception, IntegrityError, IndexError)
_TAKING = '"ORDER BY expires_at ASC NULLS LAST, id ASC"'
_OWN_LOTS = "Q(pk=lot.pk) | Q(parent=lot) | Q(parent__parent=lot)"
_GRACE = "if is_expired and grace and not lot.is_grace:"
_SETTLED = "postings.book_expired(account, now)\n        lot.refresh_from_db()\n        change"
_BOOKED = "\n        )\n        postings.book_expired(account, now)"
_COLLECTED = "\n        postings.collect_debt(account, now)"
_RESTORED = "restored = min(\n        amount - cancelled_debt,"
_PAID_GRANT = f"now, purpose{_BOOKED}{_COLLECTED}"
_PAID_REFUND = f"refund_of=spent{_BOOKED}{_COLLECTED}"


pytestmark = [pytest.mark.thorough, pytest.mark.embedded]


@dataclass(frozen=True)
class Mutant:
    """A mutation: `old` occurs once in a module and is replaced with `new`."""

    name: str
    old: str
    new: str


MUTANTS = [
    Mutant("grace-never", _GRACE, "if False:"),
    Mutant("grace-again", _GRACE, "if is_expired and grace:"),
    Mutant("grace-after-cancel", _GRACE, "if is_expired and not lot.is_grace:"),
    Mutant("grace-for-the-living", _GRACE, "if grace and not lot.is_grace:"),
    Mutant("grace-too-long", "now + settings.GRACE_LIFETIME", "now + 2 * settings.GRACE_LIFETIME"),
    Mutant("grace-of-another-kind", "kind=lot.kind,", "kind=Kind.ADJUSTED,"),
    Mutant("lifo", _TAKING, '"ORDER BY id DESC"'),
    Mutant("lasting-credits-first", _TAKING, _TAKING.replace("LAST", "FIRST")),
    Mutant("younger-of-equals-first", _TAKING, _TAKING.replace("id ASC", "id DESC")),
    Mutant("dead-a-moment-late", "expires_at <= %s ORDER", "expires_at < %s ORDER"),
    Mutant("alive-a-moment-late", "Q(expires_at__gt=now)", "Q(expires_at__gte=now)"),
    Mutant("lots-of-all-users", "unexpired, account_id=user_pk,", "unexpired,"),
    Mutant("last-credit-unspendable", "account.balance < amount", "account.balance <= amount"),
    Mutant(
        "lots-of-another-user", "account_id = %s AND remaining > 0 AND (", "account_id <> %s AND ("
    ),
    Mutant("key-not-looked-up", "    entry = found[0]\n    event", "    return None\n    event"),
    Mutant("key-not-compared", "    if not same or (", "    if False and ("),
    Mutant("amount-not-compared", "entry.amount != amount", "False"),
    Mutant(
        "refund-to-one-lot",
        "_return_part(lot, part, now,",
        "_return_part(unreturned_parts[0][0], part, now,",
    ),
    Mutant("refund-in-taking-order", "billing_allocation.id DESC", "billing_allocation.id ASC"),
    Mutant("refund-always-whole", "unreturned if amount is None else amount", "unreturned"),
    Mutant("refund-more-than-spent", "if not 0 < wanted <= unreturned:", "if wanted < 1:"),
    Mutant("refund-twice", "found[origin] = unreturned, taken - amount", "pass"),
    Mutant("refund-twice-by-grace", "else lot.parent_id\n", "else None\n"),
    Mutant("refund-not-in-the-total", "account.total_spent -= wanted", "pass"),
    Mutant("debt-left-by-a-grant", _PAID_GRANT, "now, purpose)"),
    Mutant("debt-left-by-a-refund", _PAID_REFUND, "refund_of=spent)"),
    Mutant(
        "debt-paid-with-the-dead",
        _PAID_GRANT,
        f"now, purpose){_COLLECTED}",
    ),
    Mutant("expiry-seen-late", "= min(filter(None", "= max(filter(None"),
    Mutant(
        "expiry-seen-early",
        "    refresh_next_expiry(account)\n    return expired",
        "    return expired",
    ),
    Mutant(
        "unposted-expiry-not-counted",
        "total_expired + account.balance - available",
        "total_expired",
    ),
    Mutant("sequence-stuck", "    account.last_sequence += 1\n", ""),
]


CLAWBACK_MUTANTS = [
    Mutant(
        "own-lot-spared",
        'own = min(_with_descendants(lot).aggregate(s=Sum("remaining"))["s"] or 0',
        "own = min(0",
    ),
    Mutant("graces-forgotten", _OWN_LOTS, "pk=lot.pk"),
    Mutant("graces-alone", _OWN_LOTS, "Q(parent=lot) | Q(parent__parent=lot)"),
    Mutant("returned-without-grace", "is_grace=has_expired,", "is_grace=True,"),
    Mutant("grace-after-grace", "is_grace=has_expired,", "is_grace=False,"),
    Mutant("expired-taken-again", 'expired = min(-(expiries["s"] or 0)', "expired = min(0"),
    Mutant("dead-counted-twice", " - lot.clawed_back_expired, change - own)", ", change - own)"),
    Mutant("anything-is-dead", "entry__type=Entry.Type.EXPIRED", "entry__type=Entry.Type.SPENT"),
    Mutant("others-spared", "others = min(account.balance - own,", "others = min(0,"),
    Mutant("debt-not-written", "account.debt += plan.owed", "pass"),
    Mutant("debt-not-cancelled", "account.debt -= cancelled_debt", "pass"),
    Mutant("others-debt-forgiven", ", account.debt, lot.clawed_back_owed)", ", account.debt)"),
    Mutant("restored-too-many", _RESTORED, _RESTORED.replace("min(", "max(")),
    Mutant("restored-none", _RESTORED, "restored = min(\n        0,"),
    Mutant("dead-forgotten", "lot.clawed_back_expired += plan.expired", "pass"),
    Mutant(
        "expired-not-restored",
        "lot.clawed_back_expired -= amount - cancelled_debt - restored",
        "pass",
    ),
    Mutant(
        "collected-debt-still-owed",
        "lot.clawed_back_owed -= cancelled_debt + collected_debt",
        "lot.clawed_back_owed -= cancelled_debt",
    ),
    Mutant("given-again-but-dead", "now + settings.GRACE_LIFETIME if has_expired else ", ""),
    Mutant(
        "given-again-too-long",
        "GRACE_LIFETIME if has_expired else lot.expires_at",
        "GRACE_LIFETIME",
    ),
    Mutant("given-again-an-orphan", "parent=lot,", "parent=None,"),
    Mutant("restored-not-in-the-total", "account.total_clawed_back -= restored", "pass"),
    Mutant("debt-left-by-a-restore", "            postings.collect_debt(account, now)\n", ""),
    Mutant("cancelled-not-counted", "lot.clawed_back += change", "pass"),
    Mutant("restored-not-recorded", "lot.clawed_back -= amount\n", "pass\n"),
    Mutant("younger-grace-first", 'order_by("expires_at", "id")', 'order_by("-expires_at", "-id")'),
    Mutant(
        "expired-unbooked",
        _SETTLED,
        _SETTLED.replace("postings.book_expired(account, now)", "pass"),
    ),
    Mutant("expiry-not-moved", "    postings.refresh_next_expiry(account)\n", ""),
    Mutant("outlook-from-nothing", "max(target - lot.clawed_back, 0)", "target"),
    Mutant(
        "outlook-without-the-dead",
        "    return plan.own + plan.others, plan.owed",
        "    return plan.own, plan.owed",
    ),
]


def ledger_with(mutant: Mutant, *places: ModuleType) -> dict[str, ModuleType]:
    """Return copies of the ledger's modules, mutated in the one of `places` that matches."""
    sources = {module: inspect.getsource(module) for module in (postings, credits, clawbacks)}
    fits = [module for module in places if mutant.old in sources[module]]
    assert sum(sources[module].count(mutant.old) for module in fits) == 1, mutant.name
    copies: dict[ModuleType, ModuleType] = {}
    for module, source in sources.items():
        copy = ModuleType(f"{mutant.name}:{module.__name__}")
        exec(source.replace(mutant.old, mutant.new) if module in fits else source, vars(copy))
        for name, value in list(vars(copy).items()):
            for original, other in copies.items():
                if value is original:
                    setattr(copy, name, other)
                elif getattr(value, "__module__", "") == original.__name__:
                    setattr(copy, name, getattr(other, name))
        copies[module] = copy
    return {"ledger": copies[credits], "clawbacks": copies[clawbacks]}


def machine_with(
    machine: type[LedgerMachine], mutant: Mutant, *places: ModuleType
) -> type[LedgerMachine]:
    """Return a state machine that runs on the mutated ledger."""
    return type("Mutated", (machine,), ledger_with(mutant, *places))


@pytest.mark.usefixtures("db")
def test_machine_passes_when_the_ledger_is_unchanged() -> None:
    control = machine_with(LedgerMachine, Mutant("none", "def grant(", "def grant("), credits)
    run_state_machine_as_test(control, settings=settings(QUICK, max_examples=5))


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_machine_fails_when_the_ledger_has_a_mutation(mutant: Mutant) -> None:
    machine = machine_with(LedgerMachine, mutant, postings, credits)
    refusals = (machine.ledger.NotEnoughCredits, machine.ledger.OverRefund)
    with pytest.raises((*DETECTED, *refusals)):
        run_state_machine_as_test(machine, settings=QUICK)


@pytest.mark.usefixtures("db")
def test_purchase_machine_passes_when_the_ledger_is_unchanged() -> None:
    none = Mutant("none", "def claw_back_to(", "def claw_back_to(")
    control = machine_with(PurchaseMachine, none, clawbacks)
    run_state_machine_as_test(control, settings=settings(QUICK, max_examples=5))


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("mutant", CLAWBACK_MUTANTS, ids=lambda mutant: mutant.name)
def test_purchase_machine_fails_when_clawbacks_have_a_mutation(mutant: Mutant) -> None:
    machine = machine_with(PurchaseMachine, mutant, clawbacks)
    with pytest.raises(DETECTED):
        run_state_machine_as_test(machine, settings=QUICK)
