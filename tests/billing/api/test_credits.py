"""GET /api/users/credits and /api/users/credits/transactions. Source: C31-C34, C40, C41."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient
from time_machine import Traveller

from accounts.models import User
from billing.ledger import credits
from billing.models import Account, Entry
from tests.billing import payment_events
from tests.billing.conftest import DAY, START, grant_credits
from tests.conftest import signed_in

CREDITS = "/api/users/credits"
TRANSACTIONS = "/api/users/credits/transactions"
TASK = "5f0c7c1e-0000-4000-8000-000000000001"
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def client(carol: User) -> APIClient:
    return signed_in(carol)


def spend_on_a_video(user: User, amount: int, task: str = TASK) -> Entry:
    purpose = credits.Purpose("sora_task_creation", task, "Sora text-to-video (standard): A cat...")
    return credits.spend(user, amount, f"video:{task}:spend", purpose)


def test_credits_show_the_totals_when_something_was_spent(client: APIClient, carol: User) -> None:
    grant_credits(carol, 100, until=START + 30 * DAY)
    spend_on_a_video(carol, 20)
    response = client.get(CREDITS)
    assert (response.status_code, response.json()) == (
        200,
        {
            "user_id": str(carol.pk),
            "credits": 80,
            "total_earned": 100,
            "total_spent": 20,
            "total_expired": 0,
            "total_reversed": 0,
            "credits_owed": 0,
            "next_expiry_at": "2026-01-31T00:00:00Z",
        },
    )


def test_credits_show_expired_and_owed_credits(
    client: APIClient, carol: User, clock: Traveller
) -> None:
    grant_credits(carol, 100, until=START + DAY)
    spend_on_a_video(carol, 100)
    Account.objects.update(debt=30)
    credits.refund(f"video:{TASK}:spend", "back", grace=True)
    clock.move_to(START + DAY)
    assert client.get(CREDITS).json() == {
        "user_id": str(carol.pk),
        "credits": 0,
        "total_earned": 100,
        "total_spent": 0,
        "total_expired": 70,
        "total_reversed": 30,
        "credits_owed": 0,
        "next_expiry_at": None,
    }


def test_credits_are_zero_when_there_is_no_credit_account(client: APIClient, carol: User) -> None:
    assert client.get(CREDITS).json() == {
        "user_id": str(carol.pk),
        "credits": 0,
        "total_earned": 0,
        "total_spent": 0,
        "total_expired": 0,
        "total_reversed": 0,
        "credits_owed": 0,
        "next_expiry_at": None,
    }


@pytest.mark.parametrize("path", [CREDITS, TRANSACTIONS])
def test_credits_api_is_401_when_anonymous(anonymous: APIClient, path: str) -> None:
    response = anonymous.get(path)
    assert (response.status_code, response.json()) == (401, {"detail": "Not authenticated"})
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", [CREDITS, TRANSACTIONS])
def test_credits_api_is_405_when_the_method_is_not_get(client: APIClient, path: str) -> None:
    assert client.post(path, {}, format="json").status_code == 405


@pytest.mark.parametrize("path", [CREDITS, TRANSACTIONS])
def test_credits_api_shows_each_user_only_their_own(
    client: APIClient, carol: User, dave: User, path: str
) -> None:
    grant_credits(carol, 10)
    before = client.get(path).json()
    grant_credits(dave, 500)
    spend_on_a_video(dave, 20)
    assert client.get(path).json() == before


def test_transactions_list_the_newest_first(
    client: APIClient, carol: User, clock: Traveller
) -> None:
    given = credits.grant(
        carol,
        100,
        credits.Kind.BONUS,
        f"signup:{carol.pk}",
        expires_at=START + 30 * DAY,
        purpose=credits.Purpose("signup", str(carol.pk), "Welcome credits"),
    )
    clock.shift(timedelta(minutes=5))
    spent = spend_on_a_video(carol, 20)
    response = client.get(TRANSACTIONS)
    assert (response.status_code, response.json()) == (
        200,
        {
            "total": 2,
            "page": 1,
            "page_size": 20,
            "transactions": [
                {
                    "id": str(spent.pk),
                    "transaction_type": "spent",
                    "amount": -20,
                    "balance_before": 100,
                    "balance_after": 80,
                    "reference_type": "sora_task_creation",
                    "reference_id": TASK,
                    "description": "Sora text-to-video (standard): A cat...",
                    "task_id": TASK,
                    "payment_order_id": None,
                    "created_at": "2026-01-01T00:05:00Z",
                    "expires_at": "2026-01-31T00:00:00Z",
                    "is_expired": False,
                },
                {
                    "id": str(given.pk),
                    "transaction_type": "bonus",
                    "amount": 100,
                    "balance_before": 0,
                    "balance_after": 100,
                    "reference_type": "signup",
                    "reference_id": str(carol.pk),
                    "description": "Welcome credits",
                    "task_id": None,
                    "payment_order_id": None,
                    "created_at": "2026-01-01T00:00:00Z",
                    "expires_at": "2026-01-31T00:00:00Z",
                    "is_expired": False,
                },
            ],
        },
    )


def rows(client: APIClient, **query: str | int) -> list[tuple[str, int]]:
    body = client.get(TRANSACTIONS, query).json()
    return [(row["transaction_type"], row["amount"]) for row in body["transactions"]]


def test_transactions_show_the_expiry_when_credits_expired(
    client: APIClient, carol: User, clock: Traveller
) -> None:
    grant_credits(carol, 10, until=START + DAY)
    grant_credits(carol, 10)
    clock.move_to(START + DAY)
    credits.expire(carol)
    body = client.get(TRANSACTIONS).json()
    assert [(row["amount"], row["is_expired"]) for row in body["transactions"]] == [
        (-10, True),
        (10, False),
        (10, True),
    ]


def test_transactions_are_listed_in_pages(client: APIClient, carol: User) -> None:
    for amount in range(1, 6):
        grant_credits(carol, amount)
    assert rows(client, page_size=2) == [("bonus", 5), ("bonus", 4)]
    assert rows(client, page_size=2, page=3) == [("bonus", 1)]


def test_transactions_are_empty_when_the_page_is_past_the_end(
    client: APIClient, carol: User
) -> None:
    grant_credits(carol, 10)
    response = client.get(TRANSACTIONS, {"page": 9, "page_size": 50})
    assert (response.status_code, response.json()) == (
        200,
        {"total": 1, "page": 9, "page_size": 50, "transactions": []},
    )


def test_transactions_add_up_to_the_balance(client: APIClient, carol: User) -> None:
    grant_credits(carol, 90, until=START + DAY)
    for n in range(4):
        spend_on_a_video(carol, 20, f"video-{n}")
    credits.refund("video:video-2:spend", "back", grace=True)
    body = client.get(TRANSACTIONS, {"page_size": 100}).json()
    lines = body["transactions"][::-1]
    assert sum(line["amount"] for line in lines) == client.get(CREDITS).json()["credits"] == 30
    assert [line["balance_before"] for line in lines[1:]] == [
        line["balance_after"] for line in lines[:-1]
    ]


@pytest.fixture
def entries_of_every_type(carol: User, clock: Traveller) -> None:
    """One entry of each type but `reversed`."""
    for kind in credits.Kind:
        grant_credits(carol, 10, kind=kind, until=START + DAY)
    spend_on_a_video(carol, 5)
    credits.refund(f"video:{TASK}:spend", "back", grace=True)
    clock.move_to(START + DAY)
    credits.expire(carol)


@pytest.mark.usefixtures("entries_of_every_type")
@pytest.mark.parametrize(
    ("type", "found"),
    [
        ("earned", [("earned", 10)]),
        ("purchased", [("purchased", 10)]),
        ("bonus", [("bonus", 10)]),
        ("adjusted", [("adjusted", 10)]),
        ("spent", [("spent", -5)]),
        ("refunded", [("refunded", 5)]),
        ("expired", [("expired", -10)] * 4),
        ("reversed", []),
    ],
)
def test_transactions_have_one_type_when_filtered_by_type(
    client: APIClient, type: str, found: list[tuple[str, int]]
) -> None:
    assert rows(client, transaction_type=type) == found
    assert client.get(TRANSACTIONS, {"transaction_type": type}).json()["total"] == len(found)


NOT_GE = ("Ensure this value is greater than or equal to 1.", "value_error.number.not_ge")


@pytest.mark.parametrize(
    ("query", "field", "msg", "type"),
    [
        ({"page": 0}, "page", *NOT_GE),
        ({"page": -1}, "page", *NOT_GE),
        ({"page": "x"}, "page", "A valid integer is required.", "value_error.invalid"),
        ({"page_size": 0}, "page_size", *NOT_GE),
        (
            {"page_size": 101},
            "page_size",
            "Ensure this value is less than or equal to 100.",
            "value_error.number.not_le",
        ),
        ({"page": ""}, "page", "A valid integer is required.", "value_error.invalid"),
        ({"page_size": ""}, "page_size", "A valid integer is required.", "value_error.invalid"),
        (
            {"transaction_type": ""},
            "transaction_type",
            "This field may not be blank.",
            "value_error.any_str.min_length",
        ),
    ],
)
def test_transactions_are_422_and_name_the_parameter_when_it_is_invalid(
    client: APIClient, query: dict[str, str | int], field: str, msg: str, type: str
) -> None:
    response = client.get(TRANSACTIONS, query)
    assert (response.status_code, response.json()) == (
        422,
        {"detail": [{"loc": ["query", field], "msg": msg, "type": type}]},
    )


def test_transactions_name_every_parameter_when_all_are_invalid(client: APIClient) -> None:
    response = client.get(f"{TRANSACTIONS}?page=0&page_size=x&transaction_type=")
    assert [error["loc"] for error in response.json()["detail"]] == [
        ["query", "page"],
        ["query", "page_size"],
        ["query", "transaction_type"],
    ]


@pytest.mark.parametrize("word", ["stolen", "SPENT", "spent,bonus", "0"])
def test_transactions_are_400_when_the_type_is_unknown(client: APIClient, word: str) -> None:
    response = client.get(TRANSACTIONS, {"transaction_type": word})
    assert (response.status_code, response.json()) == (
        400,
        {"detail": "Invalid parameters", "code": "unknown_type"},
    )


def test_clawbacks_are_found_as_refunded(client: APIClient, carol: User) -> None:
    grant_credits(carol, 10)
    spend_on_a_video(carol, 5)
    credits.refund(f"video:{TASK}:spend", "back", grace=True)
    payment_events.deliver(
        payment_events.refund_event(payment_events.create_paid_payment(carol), 990)
    )
    assert rows(client, transaction_type="refunded") == [("refunded", -100), ("refunded", 5)]
    assert rows(client, transaction_type="reversed") == [("refunded", -100)]
    total = client.get(TRANSACTIONS, {"transaction_type": "refunded"}).json()["total"]
    assert total == 2


def test_credits_api_takes_the_same_queries_for_any_length_of_history(
    client: APIClient, carol: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    for n in range(12):
        grant_credits(carol, 5, until=START + DAY if n % 2 else None)
        spend_on_a_video(carol, 2, f"video-{n}")
    with django_assert_num_queries(2):  # the session, the summary
        client.get(CREDITS)
    with django_assert_num_queries(3):  # the session, the lines, how many there are
        client.get(TRANSACTIONS)
