"""Orders of all shots in several processes at the same moment: each shot is ordered once."""

import pytest

from accounts.models import User
from billing.ledger import credits, invariants
from config.lib.idempotency import RequestKey
from tests.racers import racers
from tests.videos.storyboards.conftest import board_of
from videos.models import ShotTake, Storyboard, Video
from videos.storyboards import generation
from videos.storyboards.generation import GenerateOrder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


def order(board_id: str, key: str) -> None:
    """Called by each of the racing processes."""
    board = Storyboard.objects.get(pk=board_id)
    request_key = RequestKey(board.user_id, key, "f" * 64) if key else None
    generation.generate(board.user, board, GenerateOrder(), request_key)


def test_each_shot_is_ordered_once_when_all_are_ordered_at_once(alice: User) -> None:
    credits.grant(alice, 1000, credits.Kind.EARNED, "plenty", expires_at=None)
    before = credits.available(alice)
    board = board_of(alice, "a", "b", "c")
    with racers(processes=2) as team:
        outcomes = team.race("tests.videos.storyboards.test_races:order", str(board.pk), "")
        assert sorted(outcomes) == ["NotPossible"] * (team.count - 1) + ["ok"]
        assert (Video.objects.count(), ShotTake.objects.count()) == (3, 3)
        second = board_of(alice, "d", "e")
        outcomes = team.race("tests.videos.storyboards.test_races:order", str(second.pk), "k")
    assert sorted(outcomes) == ["AlreadyDone"] * (team.count - 1) + ["ok"]
    assert (Video.objects.count(), credits.available(alice)) == (5, before - 100)
    assert invariants.problems() == []
