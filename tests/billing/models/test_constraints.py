"""What the database refuses: changes of the ledger's history, and rows that cannot be right."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, erasure
from billing.models import Account, Allocation, Entry, Lot, PackageOverride
from tests import migrated
from tests.billing.conftest import grant_credits, ledger_rows

migration = import_module("billing.migrations.0002_append_only_ledger")
Action = Callable[[], object]


@pytest.fixture
def ledger(carol: User) -> Iterator[None]:
    """A few entries, and the triggers that tests otherwise remove on SQLite."""
    grant_credits(carol, 100)
    credits.spend(carol, 20, "spend")
    bare = connection.vendor == "sqlite"
    if bare:
        migration.protect(None, connection.schema_editor())
    yield
    if bare:
        migration.release(None, connection.schema_editor())


def sql(statement: str) -> Action:
    def run() -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    return run


def save_again() -> None:
    entry = Entry.objects.get(key="spend")
    entry.description = "Something else"
    entry.save()


FORBIDDEN_CHANGES: dict[str, Action] = {
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


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("act", FORBIDDEN_CHANGES.values(), ids=FORBIDDEN_CHANGES.keys())
def test_database_refuses_when_an_entry_or_allocation_is_changed(act: Action) -> None:
    before = ledger_rows()
    with pytest.raises(DatabaseError, match="the ledger is append-only"), transaction.atomic():
        act()
    assert ledger_rows() == before


@pytest.mark.usefixtures("ledger")
def test_entries_are_kept_when_the_orm_deletes_them() -> None:
    before = ledger_rows()
    with pytest.raises(ProtectedError):
        Entry.objects.all().delete()
    with pytest.raises(ProtectedError):
        Entry.objects.get(key="spend").delete()
    assert ledger_rows() == before


@pytest.mark.usefixtures("ledger")
def test_refund_is_posted_when_the_triggers_exist(carol: User) -> None:
    credits.refund("spend", "back", grace=True)
    assert credits.available(carol) == 100


def entry(**fields: object) -> Action:
    """Return a call that adds an entry that is valid but for `fields`."""

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


def lot(**fields: object) -> Action:
    def write() -> None:
        right = {"kind": "bonus", "amount": 5, "remaining": 5, "created_at": timezone.now()}
        Lot.objects.create(account=Account.objects.get(), **{**right, **fields})

    return write


def allocation(amount: int, of: str) -> Action:
    def write() -> None:
        line = Entry.objects.get(key=of)
        Allocation.objects.create(entry=line, lot=Lot.objects.get(), amount=amount)

    return write


def package(**fields: int | str) -> Action:
    row = {"key": "odd", "name": "Odd", "credits": 1, "price_minor": 1, **fields}
    return lambda: PackageOverride.objects.create(**row)


def account(**fields: int) -> Action:
    return lambda: Account.objects.update(**fields)


INVALID_ROWS: dict[str, tuple[str, Action]] = {
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
    "lot-of-nothing": ("lot_amount_bounds", lot(amount=0, remaining=0)),
    "lot-above-the-bound": ("lot_amount_bounds", lot(amount=1_000_000_001)),
    "entry-above-the-bound": (
        "entry_amount_bounds",
        entry(amount=1_000_000_001, balance_after=1_000_000_081),
    ),
    "package-without-a-price": ("package_bounds", package(price_minor=0)),
    "package-without-credits": ("package_bounds", package(credits=0)),
    "package-dearer-than-stripe-takes": ("package_bounds", package(price_minor=100_000_000)),
    "package-of-an-unknown-currency": ("package_currency_known", package(currency="XXX")),
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


@pytest.mark.parametrize(("name", "act"), INVALID_ROWS.values(), ids=INVALID_ROWS.keys())
def test_database_refuses_when_a_row_is_invalid(carol: User, name: str, act: Action) -> None:
    grant_credits(carol, 100)
    credits.spend(carol, 20, "spend")
    before = ledger_rows()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        act()
    assert ledger_rows() == before


def test_database_accepts_when_the_rows_are_valid(carol: User) -> None:
    grant_credits(carol, 100)
    credits.spend(carol, 20, "spend")
    entry()()
    allocation(5, "one more")()
    lot()()
    assert [Entry.objects.count(), Allocation.objects.count(), Lot.objects.count()] == [3, 3, 2]


def delete_users_with_sql() -> None:
    sql("DELETE FROM accounts_user")()
    connection.check_constraints()


def test_user_is_kept_when_an_account_refers_to_it(carol: User, dave: User) -> None:
    grant_credits(carol, 100)
    with pytest.raises(ProtectedError):
        carol.delete()
    with pytest.raises(ProtectedError):
        User.objects.all().delete()
    with pytest.raises(IntegrityError), transaction.atomic():
        delete_users_with_sql()
    assert User.objects.count() == 2
    dave.delete()
    assert credits.available(carol) == 100


def test_descriptions_are_blanked_when_they_are_erased(carol: User, ledger: None) -> None:
    before = list(Entry.objects.order_by("sequence").values_list("sequence", "amount", "key"))
    erasure.erase_descriptions(carol)
    after = list(Entry.objects.order_by("sequence").values_list("sequence", "amount", "key"))
    assert (after, set(Entry.objects.values_list("description", flat=True))) == (before, {""})


def test_ledger_is_append_only_when_every_migration_has_run(tmp_path: Path) -> None:
    """SQLite builds a table anew for some changes, and loses its triggers."""
    migrated.copy_to(tmp_path)
    with closing(sqlite3.connect(tmp_path / migrated.NAME)) as database:
        found = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'billing_%'"
        )
        names = sorted(name for (name,) in found)
    assert names == [
        "billing_allocation_no_delete",
        "billing_allocation_no_update",
        "billing_entry_no_delete",
        "billing_entry_no_update",
    ]
