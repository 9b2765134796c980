"""One Idempotency-Key in several processes at the same moment: one video, one spend."""

import os

import pytest

from accounts.models import User
from billing.ledger import credits
from config.lib.idempotency import RequestKey
from tests.racers import racers
from tests.tiers import rounds
from videos.jobs import orders
from videos.models import Video

ROUNDS = int(os.environ.get("RACE_ROUNDS", rounds(2, 100)))


def order(user_id: str, key: str) -> None:
    """Called by each of the racing processes."""
    user = User.objects.get(pk=user_id)
    orders.submit(
        user, orders.VideoOrder("A paper boat", seconds=4), RequestKey(user.pk, key, "f" * 64)
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(900)
def test_one_video_is_created_when_processes_order_with_one_key_at_once(alice: User) -> None:
    credits.grant(alice, 20 * ROUNDS, credits.Kind.EARNED, "rich", expires_at=None)
    before = credits.available(alice)
    with racers() as team:
        for n in range(ROUNDS):
            answers = team.race(
                "tests.videos.api.test_idempotency_races:order", str(alice.pk), f"k{n}"
            )
            assert sorted(answers) == sorted(["AlreadyDone"] * (team.count - 1) + ["ok"])
    assert (Video.objects.count(), before - credits.available(alice)) == (ROUNDS, 20 * ROUNDS)
