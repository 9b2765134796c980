"""Adjustments of credits by staff."""

import pytest

from accounts.models import User
from billing.ledger import adjustments, invariants
from billing.ledger import credits as ledger_credits
from tests.billing.conftest import DAY, START, entries_of, ledger_rows, open_lots_of

pytestmark = pytest.mark.usefixtures("clock")


def test_adjustment_gives_and_takes_credits_once_when_repeated(carol: User) -> None:
    adjustments.adjust(carol, 50, "adj:1", expires_at=START + DAY)
    adjustments.adjust(carol, -20, "adj:2", expires_at=None)
    assert entries_of(carol) == [("adjusted", 50), ("adjusted", -20)]
    assert open_lots_of(carol) == [(30, START + DAY)]
    before = ledger_rows()
    with pytest.raises(ledger_credits.NotEnoughCredits):
        adjustments.adjust(carol, -31, "adj:3", expires_at=None)
    adjustments.adjust(carol, -20, "adj:2", expires_at=None)
    assert ledger_rows() == before
    assert invariants.problems() == []
