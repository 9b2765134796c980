"""Batches in several processes at the same moment: all of a batch or none, and each batch once."""

import pytest

from accounts.models import User
from billing.ledger import credits, invariants
from config.lib.idempotency import RequestKey
from tests.racers import Racers, racers
from videos.jobs import batches
from videos.jobs.batches import Line
from videos.jobs.orders import VideoOrder
from videos.models import Video

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]


def order(user_id: str, key: str) -> None:
    """Called by each of the racing processes; a batch costs 60 of the 100 welcome credits."""
    user = User.objects.get(pk=user_id)
    lines = [Line(VideoOrder(f"A boat, take {n}", seconds=4)) for n in range(3)]
    request_key = RequestKey(user.pk, key, "f" * 64) if key else None
    batches.order(user, batches.check(user, lines), request_key=request_key)


def race(team: Racers, user: User, key: str = "") -> list[str]:
    return sorted(team.race("tests.videos.jobs.test_batch_races:order", str(user.pk), key))


def test_one_batch_is_placed_when_many_arrive_at_once(alice: User) -> None:
    with racers(processes=2) as team:
        outcomes = race(team, alice, "k")
        # The balance pays for one: a racer that checks it later is refused before the key counts.
        assert outcomes.count("ok") == 1
        assert set(outcomes) <= {"ok", "AlreadyDone", "NotEnoughCredits"}
        assert (Video.objects.count(), credits.available(alice)) == (3, 40)

        credits.grant(alice, 20, credits.Kind.EARNED, "again", expires_at=None)
        others = race(team, alice)
    assert others == ["NotEnoughCredits"] * (team.count - 1) + ["ok"]
    assert (Video.objects.count(), credits.available(alice)) == (6, 0)
    assert invariants.problems() == []
