"""One refresh token used at once on threads of several processes: it is exchanged once.

`RACE_ROUNDS=200 pytest tests/accounts/auth/test_refresh_races.py` repeats it as often as wanted.
"""

import os
from collections import Counter

import pytest
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.auth import tokens
from accounts.models import Session, User
from tests.racers import racers
from tests.tiers import rounds

ROUNDS = int(os.environ.get("RACE_ROUNDS", rounds(2, 100)))


@pytest.mark.django_db(transaction=True)
def test_token_is_exchanged_once_when_four_processes_use_it_twenty_times_at_once(
    alice: User,
) -> None:
    outcomes: Counter[tuple[int, bool, bool]] = Counter()
    with racers(4) as team:
        for _ in range(ROUNDS):
            Session.objects.all().delete()
            token = tokens.sign_in(alice, Session.Grant.PASSWORD).refresh
            answers = Counter(team.race("accounts.auth.tokens:refresh", token))
            session = Session.objects.get()
            first = RefreshToken(token)["jti"]  # type: ignore[arg-type]
            is_successor = session.previous_jti == first != session.refresh_jti
            outcomes[answers["ok"], is_successor, session.revoked_at is not None] += 1
    assert outcomes == {(20, True, False): ROUNDS}
