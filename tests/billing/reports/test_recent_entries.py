"""The entries since a moment are found by their numbers."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from billing.ledger import credits
from billing.models import Account, Entry
from billing.reports import recent_entries

START = datetime(2030, 1, 1, tzinfo=UTC)


def fill(user: User, number: int) -> None:
    """Give a user this many entries, one a minute from START on."""
    account = Account.objects.get(pk=user.pk)
    first = account.last_sequence
    rows = [
        Entry(
            account=account, sequence=first + n, type="bonus", amount=1, key=f"{user.pk}:{n}",
            balance_before=account.balance + n - 1, balance_after=account.balance + n,
            created_at=START + timedelta(minutes=n),
        )
        for n in range(1, number + 1)
    ]  # fmt: skip
    Entry.objects.bulk_create(rows)
    Account.objects.filter(pk=user.pk).update(last_sequence=first + number)


@pytest.fixture
def rich(alice: User, bob: User) -> User:
    """Alice with 1,000 entries; her first one stands before START."""
    for user in (alice, bob):
        fill(user, 1000)
    return alice


@pytest.mark.parametrize("minutes", [-6_000_000, 0, 1, 2, 400, 999, 1000, 1001, 10_000])
def test_entries_since_a_moment_are_those(
    rich: User, minutes: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    moment = START + timedelta(minutes=minutes, seconds=-1)
    expected = {e.pk for e in credits.history(rich) if e.created_at >= moment}
    with django_assert_num_queries(1):
        found = list(recent_entries.entries_since(rich, moment))
    assert {entry.pk for entry in found} == expected
    spent = recent_entries.entries_since(rich, moment, "spent", "refunded")
    assert list(spent) == []


def test_entries_since_a_moment_are_found_when_times_differ_from_the_numbers(rich: User) -> None:
    moment = START + timedelta(minutes=500)
    late = Entry(
        account_id=rich.pk, sequence=Account.objects.get(pk=rich.pk).last_sequence + 1,
        type="bonus", amount=1, key="late", balance_before=0, balance_after=1,
        created_at=moment - timedelta(seconds=1),
    )  # fmt: skip
    late.save(force_insert=True)
    Account.objects.filter(pk=rich.pk).update(last_sequence=late.sequence)
    found = recent_entries.entries_since(rich, moment)
    assert late.pk not in {entry.pk for entry in found}
    assert found.count() == 501


def test_user_without_an_account_has_no_entries(bob: User) -> None:

    nobody = User(username="nobody")
    assert list(recent_entries.entries_since(nobody, START)) == []
    assert recent_entries.number_of_entries(nobody) == 0


def test_number_of_entries_is_that_of_the_last_one(rich: User) -> None:
    assert recent_entries.number_of_entries(rich) == credits.history(rich).count()
