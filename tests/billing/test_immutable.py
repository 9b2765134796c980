"""What the database itself refuses, whoever asks."""

from collections.abc import Callable, Iterator
from importlib import import_module

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, erasure
from billing.models import Account, Allocation, Entry, Lot
from tests.billing.conftest import everything, give

migration = import_module("billing.migrations.0002_append_only_ledger")
Act = Callable[[], object]


@pytest.fixture
def books(carol: User) -> Iterator[None]:
    """A few lines, with the triggers that conftest takes away on SQLite."""
    give(carol, 100)
    credits.spend(carol, 20, "spend")
    bare = connection.vendor == "sqlite"
    if bare:
        migration.protect(None, connection.schema_editor())
    yield
    if bare:
        migration.release(None, connection.schema_editor())


def sql(statement: str) -> Act:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return run


def save_again() -> None:
    entry = Entry.objects.get(key="spend")
    entry.description = "Something else"
    entry.save()


FORBIDDEN: dict[str, Act] = {
    "entries-update": lambda: Entry.objects.update(amount=1),
    "entries-update-the-words": lambda: Entry.objects.update(description="Something else"),
    "entries-update-and-blank": lambda: Entry.objects.update(amount=1, description=""),
    "entry-save": save_again,
    "allocations-update": lambda: Allocation.objects.update(amount=1),
    "allocations-delete": lambda: Allocation.objects.all().delete(),
    "allocation-delete": lambda: Allocation.objects.get(entry__key="spend").delete(),
    "sql-update-entries": sql("UPDATE billing_entry SET amount = 1"),
    "sql-delete-entries": sql("DELETE FROM billing_entry"),
    "sql-update-allocations": sql("UPDATE billing_allocation SET amount = 1"),
    "sql-delete-allocations": sql("DELETE FROM billing_allocation"),
}


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize("act", FORBIDDEN.values(), ids=FORBIDDEN.keys())
def test_history_cannot_be_changed(act: Act) -> None:
    before = everything()
    with pytest.raises(DatabaseError, match="the ledger is append-only"), transaction.atomic():
        act()
    assert everything() == before


@pytest.mark.usefixtures("books")
def test_entries_cannot_be_deleted_by_the_orm() -> None:
    before = everything()
    with pytest.raises(ProtectedError):
        Entry.objects.all().delete()
    with pytest.raises(ProtectedError):
        Entry.objects.get(key="spend").delete()
    assert everything() == before


@pytest.mark.usefixtures("books")
def test_history_goes_on_beside_the_triggers(carol: User) -> None:
    credits.refund("spend", "back", grace=True)
    assert credits.available(carol) == 100


def entry(**fields: object) -> Act:
    """One more line, right but for `fields`."""

    def write() -> None:
        right = {
            "account": Account.objects.get(),
            "sequence": 3,
            "type": Entry.Type.BONUS,
            "amount": 5,
            "balance_before": 80,
            "balance_after": 85,
            "key": "one more",
            "created_at": timezone.now(),
        }
        Entry.objects.create(**{**right, **fields})

    return write


def lot(**fields: object) -> Act:
    def write() -> None:
        right = {"kind": "bonus", "amount": 5, "remaining": 5, "created_at": timezone.now()}
        Lot.objects.create(account=Account.objects.get(), **{**right, **fields})

    return write


def allocation(amount: int, of: str) -> Act:
    def write() -> None:
        line = Entry.objects.get(key=of)
        Allocation.objects.create(entry=line, lot=Lot.objects.get(), amount=amount)

    return write


def account(**fields: int) -> Act:
    return lambda: Account.objects.update(**fields)


WRONG: dict[str, tuple[str, Act]] = {
    "balance-below-zero": (
        "account_balance_not_negative",
        account(balance=-1, total_earned=19),
    ),
    "debt-below-zero": (
        "account_debt_not_negative",
        account(debt=-1, balance=0, total_earned=20),
    ),
    "debt-beside-a-balance": ("account_debt_or_balance", account(debt=1)),
    "totals-apart": ("account_totals_add_up", account(balance=81)),
    "lot-of-nothing": ("lot_amount_positive", lot(amount=0, remaining=0)),
    "lot-below-zero": ("lot_remaining_bounds", lot(remaining=-1)),
    "lot-above-its-amount": ("lot_remaining_bounds", lot(remaining=6)),
    "entry-of-nothing": ("entry_amount_not_zero", entry(amount=0, balance_after=80)),
    "entry-that-does-not-add-up": ("entry_balance_adds_up", entry(balance_after=86)),
    "entry-below-zero": ("entry_balance_not_negative", entry(amount=-81, balance_after=-1)),
    "entry-with-a-known-key": ("key", entry(key="spend")),
    "entry-with-a-known-number": ("sequence", entry(sequence=2)),
    "allocation-of-nothing": ("allocation_not_zero", allocation(0, "spend")),
    "allocation-repeated": ("allocation_once|entry_id, .*lot_id", allocation(-5, "spend")),
}


@pytest.mark.parametrize(("name", "act"), WRONG.values(), ids=WRONG.keys())
def test_database_refuses_what_cannot_be(carol: User, name: str, act: Act) -> None:
    give(carol, 100)
    credits.spend(carol, 20, "spend")
    before = everything()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        act()
    assert everything() == before


def test_a_right_line_is_taken(carol: User) -> None:
    give(carol, 100)
    credits.spend(carol, 20, "spend")
    entry()()
    allocation(5, "one more")()
    lot()()
    assert [Entry.objects.count(), Allocation.objects.count(), Lot.objects.count()] == [3, 3, 2]


def by_hand() -> None:
    sql("DELETE FROM accounts_user")()
    connection.check_constraints()


def test_user_with_an_account_cannot_be_deleted(carol: User, dave: User) -> None:
    give(carol, 100)
    with pytest.raises(ProtectedError):
        carol.delete()
    with pytest.raises(ProtectedError):
        User.objects.all().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        by_hand()
    assert User.objects.count() == 2
    dave.delete()
    assert credits.available(carol) == 100


def test_the_words_of_a_line_can_be_forgotten(carol: User, books: None) -> None:
    before = list(Entry.objects.order_by("sequence").values_list("sequence", "amount", "key"))
    erasure.erase_descriptions(carol)
    after = list(Entry.objects.order_by("sequence").values_list("sequence", "amount", "key"))
    assert (after, set(Entry.objects.values_list("description", flat=True))) == (before, {""})
