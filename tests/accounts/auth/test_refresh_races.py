"""One refresh token used at once on threads of several processes: exactly one use succeeds.

`RACE_ROUNDS=200 pytest tests/accounts/auth/test_refresh_races.py` repeats it as often as wanted.
"""

import os
from collections import Counter

import pytest

from accounts.auth import tokens
from accounts.models import Session, User
from tests.racers import racers
from tests.tiers import rounds

ROUNDS = int(os.environ.get("RACE_ROUNDS", rounds(2, 100)))


@pytest.mark.django_db(transaction=True)
def test_exactly_one_of_twenty_refreshes_succeeds_when_four_processes_use_a_token_at_once(
    alice: User,
) -> None:
    outcomes: Counter[tuple[int, int, bool]] = Counter()
    with racers(4) as team:
        for _ in range(ROUNDS):
            Session.objects.all().delete()
            token = tokens.sign_in(alice, Session.Grant.PASSWORD).refresh
            answers = Counter(team.race("accounts.auth.tokens:refresh", token))
            ended = Session.objects.get().revoked_at is not None
            outcomes[answers["ok"], answers["BadCredentials"], ended] += 1
    assert outcomes == {(1, 19, True): ROUNDS}
