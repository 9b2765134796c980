"""The credits of each day are those of its entries, whatever the order of their numbers."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.models import User
from billing.ledger import credits
from billing.models import Account, Entry
from billing.reports.daily_sums import MARGIN, spent_and_returned

# Summer time ends in New York on the first of these days.
DAYS = [date(2026, 11, 1) + timedelta(days=n) for n in range(5)]
START = datetime(2026, 10, 31, tzinfo=UTC)


def fill(user: User, times: list[datetime], draw: random.Random) -> None:
    """Give a user entries of these times, in this order."""
    account = Account.objects.get(pk=user.pk)
    types = ("spent", "spent", "refunded", "bonus", "expired")
    rows = []
    for n, moment in enumerate(times, account.last_sequence + 1):
        amount = draw.randint(1, 9)
        rows.append(
            Entry(
                account=account,
                sequence=n,
                type=draw.choice(types),
                amount=amount,
                key=f"{user.pk}:{n}",
                balance_before=account.balance,
                balance_after=account.balance + amount,
                created_at=moment,
                reference_type=draw.choice([Entry.VIDEO_REFERENCE, Entry.VIDEO_REFERENCE, "other"]),
            )
        )
    Entry.objects.bulk_create(rows)
    Account.objects.filter(pk=user.pk).update(last_sequence=account.last_sequence + len(rows))


def sums(user: User, type: str, reference_type: str) -> Counter[date]:
    """Add up a user's entries of DAYS one by one."""
    found: Counter[date] = Counter()
    for entry in credits.history(user, type):
        day = timezone.localdate(entry.created_at)
        if day in DAYS and reference_type in {"", entry.reference_type}:
            found[day] += abs(entry.amount)
    return found


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kathmandu", "America/New_York"])
def test_credits_of_each_day_are_those_of_its_entries(
    alice: User, bob: User, zone: str, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    draw = random.Random(zone)
    times = [START + timedelta(minutes=draw.randrange(8 * 1440)) for _ in range(900)]
    times.sort()
    # Neighbours of neighbours change their places, as when many write at once.
    for start in range(0, len(times), MARGIN // 2):
        part = times[start : start + MARGIN // 2]
        draw.shuffle(part)
        times[start : start + MARGIN // 2] = part
    for user in (alice, bob):
        fill(user, times, draw)
    with timezone.override(ZoneInfo(zone)):
        for reference_type in ("", Entry.VIDEO_REFERENCE):
            with django_assert_num_queries(1):
                found = spent_and_returned(alice, DAYS, reference_type)
            assert found == tuple(
                sums(alice, type, reference_type) for type in ("spent", "refunded")
            )
            assert min(map(len, found)) == len(DAYS)
            assert {type(amount) for each in found for amount in each.values()} == {int}


def test_midnight_belongs_to_the_day_that_it_begins(alice: User) -> None:
    draw = random.Random(1)
    with timezone.override(ZoneInfo("America/New_York")):
        for n in (0, 1, 5):
            midnight = timezone.make_aware(datetime(2026, 11, 1 + n))
            fill(alice, [midnight - timedelta(microseconds=1), midnight] * 9, draw)
        found = spent_and_returned(alice, DAYS)
        assert found == (sums(alice, "spent", ""), sums(alice, "refunded", ""))
        assert set(found[0]) <= {DAYS[0], DAYS[1], DAYS[4]}


def test_user_without_entries_spent_nothing(alice: User) -> None:
    for user in (User(username="nobody"), alice):
        assert spent_and_returned(user, DAYS) == (Counter(), Counter())


def test_number_of_entries_is_that_of_the_last_one(alice: User) -> None:
    fill(alice, [START] * 7, random.Random(1))
    assert credits.number_of_entries(alice) == credits.history(alice).count()
    assert credits.number_of_entries(User(username="nobody")) == 0
