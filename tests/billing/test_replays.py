"""A key names one event: a repeat returns the first entry, another event is refused."""

from collections.abc import Callable

import pytest
from time_machine import Traveller

from accounts.models import User
from billing.ledger import credits
from billing.models import Entry
from tests.billing.conftest import DAY, T, everything, give, lines

Operation = Callable[[], Entry]
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def operations(carol: User) -> dict[str, Operation]:
    """One of each, every time with the same key."""
    return {
        "grant": lambda: credits.grant(
            carol, 50, credits.Kind.EARNED, "grant", expires_at=T + 2 * DAY
        ),
        "spend": lambda: credits.spend(carol, 20, "spend"),
        "part": lambda: credits.refund("spend", "part", grace=True, amount=5),
        "rest": lambda: credits.refund("spend", "rest", grace=True),
    }


def test_replay_returns_the_first_entry(operations: dict[str, Operation]) -> None:
    first = [operation() for operation in operations.values()]
    before = everything()
    assert [operation() for operation in operations.values()] == first
    assert everything() == before


def test_replay_writes_nothing_when_lots_have_expired_meanwhile(
    operations: dict[str, Operation], clock: Traveller
) -> None:
    first = [operation() for operation in operations.values()]
    clock.move_to(T + 3 * DAY)
    before = everything()
    assert [operation() for operation in operations.values()] == first
    assert everything() == before


def test_replay_of_a_spend_when_the_balance_is_gone(carol: User) -> None:
    give(carol, 20)
    entry = credits.spend(carol, 20, "spend")
    assert credits.spend(carol, 20, "spend") == entry
    assert lines(carol) == [("bonus", 20), ("spent", -20)]


def test_replay_after_a_refusal_is_a_first_try(carol: User) -> None:
    with pytest.raises(credits.NotEnoughCredits):
        credits.spend(carol, 20, "spend")
    give(carol, 20)
    assert credits.spend(carol, 20, "spend").balance_after == 0


def test_conflict_when_the_user_the_amount_or_the_type_differs(
    operations: dict[str, Operation], carol: User, dave: User
) -> None:
    for operation in operations.values():
        operation()
    give(dave, 100)
    credits.spend(dave, 20, "dave's")
    credits.spend(carol, 5, "another")
    kind = credits.Kind
    others: list[Operation] = [
        lambda: credits.grant(dave, 50, kind.EARNED, "grant", expires_at=None),
        lambda: credits.grant(carol, 51, kind.EARNED, "grant", expires_at=None),
        lambda: credits.grant(carol, 50, kind.BONUS, "grant", expires_at=None),
        lambda: credits.grant(carol, 20, kind.BONUS, "spend", expires_at=None),
        lambda: credits.spend(dave, 20, "spend"),
        lambda: credits.spend(carol, 21, "spend"),
        lambda: credits.spend(carol, 50, "grant"),
        lambda: credits.spend(carol, 15, "rest"),
        lambda: credits.refund("spend", "part", grace=True, amount=6),
        lambda: credits.refund("dave's", "part", grace=True, amount=5),
        lambda: credits.refund("dave's", "rest", grace=True),
        lambda: credits.refund("another", "rest", grace=True),
        lambda: credits.refund("another", "part", grace=True, amount=5),
        lambda: credits.refund("spend", "spend", grace=True),
        lambda: credits.refund("spend", "grant", grace=True, amount=50),
    ]
    before = everything()
    for other in others:
        with pytest.raises(credits.KeyConflict):
            other()
    assert everything() == before
