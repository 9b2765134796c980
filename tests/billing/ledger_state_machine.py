"""Random operations on two accounts; the ledger equals the reference after each."""

from collections.abc import Callable
from dataclasses import astuple
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
import time_machine
from django.db import connection, transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from accounts.models import User
from billing.ledger import credits, invariants
from billing.models import Account, Entry, Lot
from tests.billing.conftest import DAY, START, create_user_without_credits, ledger_rows
from tests.billing.reference_ledger import GRACE, ReferenceAccount
from tests.tiers import random_examples, rounds

RANDOM = settings(
    max_examples=random_examples(15, 300),
    stateful_step_count=rounds(20, 40),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

user_indexes = st.sampled_from([0, 0, 0, 1])  # mostly the first user, who then has many entries
amounts = st.integers(1, 9)
indexes = st.integers(0, 999)
kinds = st.sampled_from(Lot.Kind)
lifetimes = st.sampled_from([None, timedelta(0), timedelta(hours=1), DAY, 2 * DAY, GRACE, 30 * DAY])
waits = st.sampled_from([timedelta(hours=1), DAY, GRACE - timedelta(seconds=1), GRACE])


class LedgerMachine(RuleBasedStateMachine):
    """`ledger` is the module under test; tests replace it with a mutated one.

    `function` replaces PostgreSQL's function that posts the usual spends.
    """

    ledger: Any = credits
    function: str = ""

    def __init__(self) -> None:
        super().__init__()
        self.travel = time_machine.travel(START, tick=False)
        self.clock = self.travel.start()
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        if self.function:
            with connection.cursor() as cursor:
                cursor.execute(
                    self.function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
                )
        self.users: list[User] = [
            create_user_without_credits("carol"),
            create_user_without_credits("dave"),
        ]
        self.references = [ReferenceAccount(), ReferenceAccount()]
        self.spends: list[tuple[int, str]] = []
        # The operations that were carried out: the call, its amount and its entry.
        self.done: list[tuple[Callable[[int | None], Entry], int | None, Entry]] = []
        self.numbers = count(1)
        # The state of each account when it was compared last.
        self.compared: dict[UUID, list[tuple[Any, ...]]] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.transaction.__exit__(None, None, None)
        self.travel.stop()

    @property
    def now(self) -> datetime:
        return datetime.now(tz=START.tzinfo)

    def post_expiry(self) -> None:
        for reference in self.references:
            reference.post_expiry(self.now)

    def choose_spend(self, pick: int) -> int:
        """Return the index of a spend, usually of one that is not fully refunded."""
        unrefunded = [
            n for n, (who, key) in enumerate(self.spends) if self.references[who].spent[key]
        ]
        return (
            unrefunded[pick % len(unrefunded)]
            if unrefunded and pick % 4
            else pick % len(self.spends)
        )

    def do(self, operation: Callable[[int | None], Entry], amount: int | None) -> Entry:
        entry = operation(amount)
        self.done.append((operation, amount, entry))
        return entry

    # ---- operations ----

    @rule(who=user_indexes, amount=amounts, lifetime=lifetimes, kind=kinds)
    def grant(self, who: int, amount: int, lifetime: timedelta | None, kind: Lot.Kind) -> None:
        key = f"grant:{next(self.numbers)}"
        until = lifetime if lifetime is None else self.now + lifetime
        user = self.users[who]
        entry = self.do(lambda n: self.ledger.grant(user, n, kind, key, expires_at=until), amount)
        assert (entry.type, entry.amount) == (kind.value, amount)
        self.references[who].grant(amount, kind.value, until, self.now)

    @rule(who=user_indexes, amount=st.integers(1, 25))
    def spend(self, who: int, amount: int) -> None:
        key = f"spend:{next(self.numbers)}"
        user, reference = self.users[who], self.references[who]
        open_ = len(reference.open)
        assert self.ledger.available(user) == open_
        if amount > open_:
            with pytest.raises(self.ledger.NotEnoughCredits) as refusal:
                self.ledger.spend(user, amount, key)
            assert (refusal.value.needed, refusal.value.available) == (amount, open_)
            return
        entry = self.do(lambda n: self.ledger.spend(user, n, key), amount)
        assert (entry.type, entry.amount) == ("spent", -amount)
        reference.spend(key, amount)
        self.spends.append((who, key))

    @rule(who=user_indexes)
    def spend_all(self, who: int) -> None:
        if self.references[who].open:
            self.spend(who, len(self.references[who].open))

    @precondition(lambda self: self.spends)
    @rule(pick=indexes, grace=st.booleans(), amount=st.none() | amounts)
    def refund(self, pick: int, grace: bool, amount: int | None) -> None:
        self.refund_of(self.choose_spend(pick), grace, amount)

    def refund_of(self, n: int, grace: bool, amount: int | None) -> None:
        who, spend = self.spends[n]
        key = f"refund:{next(self.numbers)}"
        unrefunded = len(self.references[who].spent[spend])
        wanted = unrefunded if amount is None else amount
        if not 0 < wanted <= unrefunded:
            with pytest.raises(self.ledger.OverRefund):
                self.ledger.refund(spend, key, grace=grace, amount=amount)
            return
        entry = self.do(lambda n: self.ledger.refund(spend, key, grace=grace, amount=n), amount)
        assert (entry.type, entry.amount) == ("refunded", wanted)
        self.references[who].refund(spend, wanted, grace, self.now)

    # ---- time ----

    @rule(wait=waits)
    def wait(self, wait: timedelta) -> None:
        self.clock.shift(wait)
        self.post_expiry()

    @rule(who=user_indexes, amount=amounts)
    def exact_expiry(self, who: int, amount: int) -> None:
        """Move the clock to the exact moment at which a lot expires, and spend a credit then."""
        self.grant(who, amount, DAY, Lot.Kind.BONUS)
        self.grant(who, 2, None, Lot.Kind.BONUS)
        dates = [credit.expires_at for credit in self.references[who].open if credit.expires_at]
        if dates:
            self.clock.move_to(min(dates))
            self.post_expiry()
        if self.references[who].open:
            self.spend(who, 1)

    @rule()
    def expiry(self) -> None:
        booked = sum(Account.objects.values_list("total_expired", flat=True))
        expired = sum(reference.expired for reference in self.references)
        assert self.expire_due() == expired - booked
        assert self.expire_due() == 0

    def expire_due(self) -> int:
        """Expire the accounts whose next expiry is due."""
        due = set(Account.objects.filter(next_expiry_at__lte=self.now).values_list("pk", flat=True))
        return sum(self.ledger.expire(user) for user in self.users if user.pk in due)

    # ---- sequences that random steps rarely reach ----

    @rule(
        who=user_indexes,
        lots=st.lists(st.tuples(amounts, lifetimes, kinds), min_size=2, max_size=3),
    )
    def several_lots(self, who: int, lots: list[tuple[int, timedelta | None, Lot.Kind]]) -> None:
        """Grant several lots, and spend from all but the last."""
        for amount, lifetime, kind in lots:
            self.grant(who, amount, lifetime, kind)
        if self.references[who].open:
            self.spend(who, len(self.references[who].open) - 1 or 1)

    @rule(
        who=user_indexes,
        lots=st.lists(st.tuples(st.integers(5, 9), lifetimes, kinds), min_size=2, max_size=3),
        amount=st.integers(1, 4),
    )
    def usual_spend(
        self, who: int, lots: list[tuple[int, timedelta | None, Lot.Kind]], amount: int
    ) -> None:
        """Grant several lots, spend a part of the first one, and repeat that."""
        for granted, lifetime, kind in lots:
            self.grant(who, granted, lifetime, kind)
        if len(self.references[who].open) >= amount:
            self.spend(who, amount)
            self.replay(-1)
            self.conflict(-1)

    @rule(pick=indexes, grace=st.booleans(), part=st.booleans(), wait=waits)
    def late_refund(self, pick: int, grace: bool, part: bool, wait: timedelta) -> None:
        """Refund a spend after its lots have expired."""
        self.grant(pick % 2, 3, DAY, Lot.Kind.PURCHASED)
        self.spend_all(pick % 2)
        if not self.spends:
            return
        n = self.choose_spend(pick)
        who, key = self.spends[n]
        dates = [
            credit.expires_at for credit in self.references[who].spent[key] if credit.expires_at
        ]
        if dates and max(dates) > self.now:
            self.clock.move_to(max(dates))
            self.wait(wait)
        if part:
            self.refund_of(n, grace, 1)
        self.refund_of(n, grace, None)

    @rule(who=user_indexes, amount=amounts, wait=waits, grace=st.booleans())
    def grace_chain(self, who: int, amount: int, wait: timedelta, grace: bool) -> None:
        """Refund twice in a row; the second time the grace lot has (almost) expired."""
        self.grant(who, amount, DAY, Lot.Kind.PURCHASED)
        for pause in (DAY, wait):
            if not self.references[who].open:
                return
            self.spend_all(who)
            self.wait(pause)
            self.refund_of(-1, grace, None)

    @rule(who=user_indexes, amount=amounts, then=st.sampled_from(["", "back", "late", "expired"]))
    def debt(self, who: int, amount: int, then: str) -> None:
        """Write a debt into the account, then refund or grant credits."""
        self.grant(who, amount, DAY, Lot.Kind.EARNED)
        self.spend_all(who)
        self.ledger.expire(self.users[who])
        Account.objects.filter(user=self.users[who]).update(debt=amount)
        self.references[who].debt = amount
        if then == "late":
            self.wait(DAY)
        if then in {"back", "late"} and self.spends:
            self.refund_of(-1, then == "back", None)
        if then == "expired":
            self.grant(who, amount, timedelta(0), Lot.Kind.EARNED)

    # ---- repeats ----

    @precondition(lambda self: self.done)
    @rule(pick=indexes)
    def replay(self, pick: int) -> None:
        operation, amount, entry = self.done[pick % len(self.done)]
        before = ledger_rows()
        assert operation(amount) == entry
        assert ledger_rows() == before

    @precondition(lambda self: self.done)
    @rule(pick=indexes)
    def conflict(self, pick: int) -> None:
        operation, _, entry = self.done[pick % len(self.done)]
        before = ledger_rows()
        with pytest.raises(self.ledger.KeyConflict):
            operation(abs(entry.amount) + 1)
        assert ledger_rows() == before

    # ---- invariants ----

    def current_rows(self) -> dict[UUID, list[tuple[Any, ...]]]:
        """Return the time, the account and the lots of each user."""
        rows: dict[UUID, list[tuple[Any, ...]]] = {user.pk: [(self.now,)] for user in self.users}
        for account in Account.objects.values_list():
            rows[account[0]].append(account)
        for owner, *lot in Lot.objects.order_by("pk").values_list("account_id", "pk", "remaining"):
            rows[owner].append(tuple(lot))
        return rows

    @invariant()
    def ledger_equals_reference(self) -> None:
        """Compare each account that has changed since it was compared last."""
        current_rows = self.current_rows()
        for user, reference in zip(self.users, self.references, strict=True):
            if self.compared.get(user.pk) == current_rows[user.pk]:
                continue
            self.compared[user.pk] = current_rows[user.pk]
            assert invariants.problems_of(user.pk) == []
            assert astuple(self.ledger.summary(user)) == astuple(reference.summary())
            lots = [
                (lot.remaining, lot.kind, lot.expires_at, lot.is_grace)
                for lot in self.ledger.open_lots(user)
            ]
            assert lots == reference.profile()
