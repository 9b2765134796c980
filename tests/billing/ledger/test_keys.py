"""The key of an operation: a repeat returns the first entry, another operation is refused."""

from collections.abc import Callable

import pytest
from time_machine import Traveller

from accounts.models import User
from billing.ledger import credits
from billing.models import Entry
from tests.billing.conftest import DAY, START, entries_of, grant_credits, ledger_rows

Operation = Callable[[], Entry]
pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def operations(carol: User) -> dict[str, Operation]:
    """One operation of each kind, with a fixed key."""
    return {
        "grant": lambda: credits.grant(
            carol, 50, credits.Kind.EARNED, "grant", expires_at=START + 2 * DAY
        ),
        "spend": lambda: credits.spend(carol, 20, "spend"),
        "part": lambda: credits.refund("spend", "part", grace=True, amount=5),
        "rest": lambda: credits.refund("spend", "rest", grace=True),
    }


def test_repeat_returns_the_first_entry_when_the_key_is_known(
    operations: dict[str, Operation],
) -> None:
    first = [operation() for operation in operations.values()]
    before = ledger_rows()
    assert [operation() for operation in operations.values()] == first
    assert ledger_rows() == before


def test_repeat_writes_nothing_when_lots_have_expired_meanwhile(
    operations: dict[str, Operation], clock: Traveller
) -> None:
    first = [operation() for operation in operations.values()]
    clock.move_to(START + 3 * DAY)
    before = ledger_rows()
    assert [operation() for operation in operations.values()] == first
    assert ledger_rows() == before


def test_repeat_returns_the_spend_when_the_balance_is_used_up(carol: User) -> None:
    grant_credits(carol, 20)
    entry = credits.spend(carol, 20, "spend")
    assert credits.spend(carol, 20, "spend") == entry
    assert entries_of(carol) == [("bonus", 20), ("spent", -20)]


def test_repeat_spends_when_the_first_try_was_refused(carol: User) -> None:
    with pytest.raises(credits.NotEnoughCredits):
        credits.spend(carol, 20, "spend")
    grant_credits(carol, 20)
    assert credits.spend(carol, 20, "spend").balance_after == 0


def test_key_conflict_is_raised_when_the_user_amount_or_type_differs(
    operations: dict[str, Operation], carol: User, dave: User
) -> None:
    for operation in operations.values():
        operation()
    grant_credits(dave, 100)
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
    before = ledger_rows()
    for other in others:
        with pytest.raises(credits.KeyConflict):
            other()
    assert ledger_rows() == before
