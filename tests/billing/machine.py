"""Random lives of two accounts, compared with the oracle after every step."""

from collections.abc import Callable
from dataclasses import astuple
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from accounts.models import User
from billing.ledger import credits, invariants
from billing.models import Account, Entry, Lot
from tests.billing.conftest import DAY, T, everything, newcomer
from tests.billing.oracle import GRACE, Purse
from tests.tiers import rounds

RANDOM = settings(
    max_examples=rounds(30, 300),
    stateful_step_count=rounds(20, 40),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

people = st.sampled_from([0, 0, 0, 1])  # mostly one of them, so that her books get long
amounts = st.integers(1, 9)
picks = st.integers(0, 999)
kinds = st.sampled_from(Lot.Kind)
lifetimes = st.sampled_from([None, timedelta(0), timedelta(hours=1), DAY, 2 * DAY, GRACE, 30 * DAY])
waits = st.sampled_from([timedelta(hours=1), DAY, GRACE - timedelta(seconds=1), GRACE])


class Machine(RuleBasedStateMachine):
    """`ledger` is the module under test; a mutant takes its place."""

    ledger: Any = credits

    def __init__(self) -> None:
        super().__init__()
        self.travel = time_machine.travel(T, tick=False)
        self.clock = self.travel.start()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.users: list[User] = [newcomer("carol"), newcomer("dave")]
        self.purses = [Purse(), Purse()]
        self.spends: list[tuple[int, str]] = []
        # What was done, with which amount, and what it gave.
        self.done: list[tuple[Callable[[int | None], Entry], int | None, Entry]] = []
        self.numbers = count(1)
        # How each account stood when it was last found right.
        self.seen: dict[UUID, list[tuple[Any, ...]]] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)
        self.travel.stop()

    @property
    def now(self) -> datetime:
        return datetime.now(tz=T.tzinfo)

    def settle(self) -> None:
        for purse in self.purses:
            purse.settle(self.now)

    def chosen(self, pick: int) -> int:
        """The number of a spend; mostly of one that still holds credits."""
        held = [n for n, (who, key) in enumerate(self.spends) if self.purses[who].held[key]]
        return held[pick % len(held)] if held and pick % 4 else pick % len(self.spends)

    def do(self, operation: Callable[[int | None], Entry], amount: int | None) -> Entry:
        entry = operation(amount)
        self.done.append((operation, amount, entry))
        return entry

    # ---- the operations ----

    @rule(who=people, amount=amounts, lifetime=lifetimes, kind=kinds)
    def grant(self, who: int, amount: int, lifetime: timedelta | None, kind: Lot.Kind) -> None:
        key = f"grant:{next(self.numbers)}"
        until = lifetime if lifetime is None else self.now + lifetime
        user = self.users[who]
        entry = self.do(lambda n: self.ledger.grant(user, n, kind, key, expires_at=until), amount)
        assert (entry.type, entry.amount) == (kind.value, amount)
        self.purses[who].grant(amount, kind.value, until, self.now)

    @rule(who=people, amount=st.integers(1, 25))
    def spend(self, who: int, amount: int) -> None:
        key = f"spend:{next(self.numbers)}"
        user, purse = self.users[who], self.purses[who]
        open_ = len(purse.open)
        assert self.ledger.available(user) == open_
        if amount > open_:
            with pytest.raises(self.ledger.NotEnoughCredits) as refusal:
                self.ledger.spend(user, amount, key)
            assert (refusal.value.needed, refusal.value.available) == (amount, open_)
            return
        entry = self.do(lambda n: self.ledger.spend(user, n, key), amount)
        assert (entry.type, entry.amount) == ("spent", -amount)
        purse.spend(key, amount)
        self.spends.append((who, key))

    @rule(who=people)
    def spend_all(self, who: int) -> None:
        if self.purses[who].open:
            self.spend(who, len(self.purses[who].open))

    @precondition(lambda self: self.spends)
    @rule(pick=picks, grace=st.booleans(), amount=st.none() | amounts)
    def refund(self, pick: int, grace: bool, amount: int | None) -> None:
        self.refund_of(self.chosen(pick), grace, amount)

    def refund_of(self, n: int, grace: bool, amount: int | None) -> None:
        who, spend = self.spends[n]
        key = f"refund:{next(self.numbers)}"
        held = len(self.purses[who].held[spend])
        wanted = held if amount is None else amount
        if not 0 < wanted <= held:
            with pytest.raises(self.ledger.OverRefund):
                self.ledger.refund(spend, key, grace=grace, amount=amount)
            return
        entry = self.do(lambda n: self.ledger.refund(spend, key, grace=grace, amount=n), amount)
        assert (entry.type, entry.amount) == ("refunded", wanted)
        self.purses[who].refund(spend, wanted, grace, self.now)

    # ---- time ----

    @rule(wait=waits)
    def wait(self, wait: timedelta) -> None:
        self.clock.shift(wait)
        self.settle()

    @rule(who=people, amount=amounts)
    def last_moment(self, who: int, amount: int) -> None:
        """It is exactly the moment at which a lot dies."""
        self.grant(who, amount, DAY, Lot.Kind.BONUS)
        dates = [credit.expires_at for credit in self.purses[who].open if credit.expires_at]
        if dates:
            self.clock.move_to(min(dates))
            self.settle()

    @rule()
    def sweep(self) -> None:
        booked = sum(Account.objects.values_list("total_expired", flat=True))
        expired = sum(purse.expired for purse in self.purses)
        assert self.swept() == expired - booked
        assert self.swept() == 0

    def swept(self) -> int:
        """Expire what the accounts themselves say is due."""
        due = set(Account.objects.filter(next_expiry_at__lte=self.now).values_list("pk", flat=True))
        return sum(self.ledger.expire(user) for user in self.users if user.pk in due)

    # ---- what random steps would hardly ever find ----

    @rule(who=people, lots=st.lists(st.tuples(amounts, lifetimes, kinds), min_size=2, max_size=3))
    def several_lots(self, who: int, lots: list[tuple[int, timedelta | None, Lot.Kind]]) -> None:
        """Several lots lie side by side, and a spend reaches into all but the last."""
        for amount, lifetime, kind in lots:
            self.grant(who, amount, lifetime, kind)
        if self.purses[who].open:
            self.spend(who, len(self.purses[who].open) - 1 or 1)

    @rule(pick=picks, grace=st.booleans(), part=st.booleans(), wait=waits)
    def late_refund(self, pick: int, grace: bool, part: bool, wait: timedelta) -> None:
        """The lots die while a spend holds their credits."""
        self.grant(pick % 2, 3, DAY, Lot.Kind.PURCHASED)
        self.spend_all(pick % 2)
        if not self.spends:
            return
        n = self.chosen(pick)
        who, key = self.spends[n]
        dates = [credit.expires_at for credit in self.purses[who].held[key] if credit.expires_at]
        if dates and max(dates) > self.now:
            self.clock.move_to(max(dates))
            self.wait(wait)
        if part:
            self.refund_of(n, grace, 1)
        self.refund_of(n, grace, None)

    @rule(who=people, amount=amounts, wait=waits, grace=st.booleans())
    def grace_chain(self, who: int, amount: int, wait: timedelta, grace: bool) -> None:
        """Two failures in a row, the second with a grace lot that is dead, or nearly."""
        self.grant(who, amount, DAY, Lot.Kind.PURCHASED)
        for pause in (DAY, wait):
            if not self.purses[who].open:
                return
            self.spend_all(who)
            self.wait(pause)
            self.refund_of(-1, grace, None)

    @rule(who=people, amount=amounts, then=st.sampled_from(["", "back", "late", "stillborn"]))
    def debt(self, who: int, amount: int, then: str) -> None:
        """Payments are not part of the ledger yet, so the debt is written into the row."""
        self.grant(who, amount, DAY, Lot.Kind.EARNED)
        self.spend_all(who)
        self.ledger.expire(self.users[who])
        Account.objects.filter(user=self.users[who]).update(debt=amount)
        self.purses[who].debt = amount
        if then == "late":
            self.wait(DAY)
        if then in {"back", "late"} and self.spends:
            self.refund_of(-1, then == "back", None)
        if then == "stillborn":
            self.grant(who, amount, timedelta(0), Lot.Kind.EARNED)

    # ---- repeats ----

    @precondition(lambda self: self.done)
    @rule(pick=picks)
    def replay(self, pick: int) -> None:
        operation, amount, entry = self.done[pick % len(self.done)]
        before = everything()
        assert operation(amount) == entry
        assert everything() == before

    @precondition(lambda self: self.done)
    @rule(pick=picks)
    def conflict(self, pick: int) -> None:
        operation, _, entry = self.done[pick % len(self.done)]
        before = everything()
        with pytest.raises(self.ledger.KeyConflict):
            operation(abs(entry.amount) + 1)
        assert everything() == before

    # ---- what must hold after every step ----

    def standing(self) -> dict[UUID, list[tuple[Any, ...]]]:
        """Of every account its totals and what its lots hold, and what time it is."""
        rows: dict[UUID, list[tuple[Any, ...]]] = {user.pk: [(self.now,)] for user in self.users}
        for account in Account.objects.values_list():
            rows[account[0]].append(account)
        for owner, *lot in Lot.objects.order_by("pk").values_list("account_id", "pk", "remaining"):
            rows[owner].append(tuple(lot))
        return rows

    @invariant()
    def books_agree(self) -> None:
        """Of each account; one that nothing touched was looked at when something last did."""
        standing = self.standing()
        for user, purse in zip(self.users, self.purses, strict=True):
            if self.seen.get(user.pk) == standing[user.pk]:
                continue
            self.seen[user.pk] = standing[user.pk]
            assert invariants.problems_of(user.pk) == []
            assert astuple(self.ledger.summary(user)) == astuple(purse.summary())
            lots = [
                (lot.remaining, lot.kind, lot.expires_at, lot.parent_id is not None)
                for lot in self.ledger.open_lots(user)
            ]
            assert lots == purse.profile()
