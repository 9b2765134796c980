"""How many SQL statements an operation takes; meanwhile others wait for its account."""

from collections.abc import Callable

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries
from time_machine import Traveller

from accounts.models import User
from billing.ledger import credits, expiry
from billing.models import Entry
from tests.billing.conftest import DAY, START, grant_credits

pytestmark = pytest.mark.usefixtures("clock")
ON_POSTGRES = connection.vendor == "postgresql"
# A savepoint and its release, the account, the key and the account again.
FRAME = 5


def spend(user: User) -> Entry:
    return credits.spend(user, 5, "spend")


@pytest.mark.parametrize("lots", [1, 3])
def test_spend_takes_one_statement_on_postgresql_when_a_lot_has_more(
    carol: User, django_assert_num_queries: DjangoAssertNumQueries, lots: int
) -> None:
    for n in range(lots):
        grant_credits(carol, 10, until=START + (n + 1) * DAY)
    with django_assert_num_queries(1 if ON_POSTGRES else FRAME + 4):  # lots, lot, entry, allocation
        spend(carol)


def test_spend_takes_three_more_statements_when_it_empties_a_lot(
    carol: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    grant_credits(carol, 3)
    grant_credits(carol, 10)
    # The function that leaves it to the rest; the second lot and the next expiry.
    with django_assert_num_queries(FRAME + 4 + 2 + ON_POSTGRES):
        spend(carol)


def test_repeat_takes_the_account_and_the_key_when_the_spend_is_known(
    carol: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    grant_credits(carol, 10)
    spend(carol)
    with django_assert_num_queries(FRAME - 1 + ON_POSTGRES):
        spend(carol)


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        (lambda user: credits.refund("spend", "back", grace=True), 6),
        (lambda user: grant_credits(user, 5), 3),
    ],
    ids=["refund", "grant"],
)
def test_refund_and_grant_take_few_statements_when_nothing_has_expired(
    carol: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    operation: Callable[[User], Entry],
    more: int,
) -> None:
    grant_credits(carol, 10)
    spend(carol)
    with django_assert_num_queries(FRAME + more):
        operation(carol)


def test_expiry_of_several_accounts_takes_one_transaction(
    carol: User,
    dave: User,
    clock: Traveller,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for user in (carol, dave):
        grant_credits(user, 10, until=START + DAY)
    clock.move_to(START + DAY)
    # The due accounts, a savepoint, the accounts and the release; of each account its lots, lot,
    # entry, allocation, next expiry and the account again.
    with django_assert_num_queries(4 + 2 * 6):
        assert expiry.expire_due() == 20


def test_an_order_of_four_takes_four_statements_on_postgresql(
    carol: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    grant_credits(carol, 100)
    with django_assert_num_queries(4 if ON_POSTGRES else 4 * (FRAME + 4)):
        for n in range(4):
            credits.spend(carol, 5, f"spend:{n}")
