"""Random operations that include purchases, refunds of payments and disputes."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from billing.ledger import clawbacks as ledger_clawbacks
from billing.models import Account, Lot
from tests.billing.conftest import DAY, ledger_rows
from tests.billing.ledger_state_machine import (
    RANDOM,
    LedgerMachine,
    amounts,
    indexes,
    user_indexes,
    waits,
)
from tests.billing.reference_ledger import GRACE, Credit, ReferenceAccount
from tests.tiers import random_examples, rounds

MODERATE = settings(
    RANDOM, max_examples=random_examples(10, 100), stateful_step_count=rounds(20, 30)
)


@dataclass(eq=False)
class PurchasedCredit(Credit):
    """A credit of a purchase, also in a grace lot and when it is restored."""

    purchase: "Purchase | None" = None


@dataclass(eq=False)
class Purchase:
    """A purchase: how many of its credits are clawed back, and how many expired."""

    amount: int
    expires_at: datetime
    clawed_back: int = 0
    clawed_back_expired: int = 0
    expired: int = 0


@dataclass
class ReferencePurchaseAccount(ReferenceAccount):
    """A reference account that knows which credits were bought together."""

    purchases: list[Purchase] = field(default_factory=list)

    def post_expiry(self, now: datetime) -> None:
        for credit in self.open:
            if credit.is_expired(now) and isinstance(credit, PurchasedCredit) and credit.purchase:
                credit.purchase.expired += 1
        super().post_expiry(now)

    def buy(self, amount: int, expires_at: datetime, now: datetime) -> None:
        purchase = Purchase(amount, expires_at)
        self.purchases.append(purchase)
        self.add(purchase, amount, expires_at, grace=False)
        self.earned += amount
        self.post_expiry(now)
        self.collect_debt()

    def add(self, purchase: Purchase, amount: int, until: datetime, *, grace: bool) -> None:
        lot = next(self.numbers)
        kind = Lot.Kind.PURCHASED.value
        self.open += [PurchasedCredit(lot, kind, until, grace, purchase) for _ in range(amount)]

    def refund(self, key: str, amount: int, grace: bool, now: datetime) -> None:
        graces: dict[int, int] = {}
        for _ in range(amount):
            credit = self.spent[key].pop()
            if credit.is_expired(now) and grace and not credit.grace:
                if credit.lot not in graces:
                    graces[credit.lot] = next(self.numbers)
                lot = graces[credit.lot]
                credit = replace(credit, lot=lot, expires_at=now + GRACE, grace=True)
            self.open.append(credit)
        self.post_expiry(now)
        self.collect_debt()

    def plan(self, purchase: Purchase, change: int) -> tuple[list[Credit], int, int]:
        """Plan a clawback of `change` credits: (credits taken, expired, owed)."""
        own = [c for c in self.open if isinstance(c, PurchasedCredit) and c.purchase is purchase][
            :change
        ]
        expired = min(purchase.expired - purchase.clawed_back_expired, change - len(own))
        mine = set(map(id, own))
        others = [credit for credit in self.open if id(credit) not in mine]
        taken = own + others[: change - len(own) - expired]
        return taken, expired, change - expired - len(taken)

    def claw_back(self, purchase: Purchase, change: int) -> None:
        taken, expired, owed = self.plan(purchase, change)
        gone = set(map(id, taken))
        self.open = [credit for credit in self.open if id(credit) not in gone]
        purchase.clawed_back += change
        purchase.clawed_back_expired += expired
        self.clawed_back += len(taken)
        self.debt += owed

    def restore(self, purchase: Purchase, give: int, now: datetime) -> None:
        living = min(give, purchase.clawed_back - purchase.clawed_back_expired)
        purchase.clawed_back -= give
        purchase.clawed_back_expired -= give - living
        late = purchase.expires_at <= now
        self.add(purchase, living, now + GRACE if late else purchase.expires_at, grace=late)
        self.clawed_back -= living
        self.post_expiry(now)
        self.collect_debt()


class PurchaseMachine(LedgerMachine):
    """`clawbacks` is the module under test; `purchases` are in the order they were made."""

    clawbacks: Any = ledger_clawbacks

    def __init__(self) -> None:
        super().__init__()
        self.purchase_references = [ReferencePurchaseAccount(), ReferencePurchaseAccount()]
        self.references = list(self.purchase_references)
        self.purchases: list[tuple[int, str, Purchase]] = []

    @rule(who=user_indexes, amount=amounts, lifetime=st.sampled_from([DAY, 2 * DAY, 30 * DAY]))
    def buy(self, who: int, amount: int, lifetime: timedelta) -> None:
        key = f"pay:{next(self.numbers)}"
        until = self.now + lifetime
        user = self.users[who]
        self.do(
            lambda n: self.ledger.grant(user, n, Lot.Kind.PURCHASED, key, expires_at=until),
            amount,
        )
        self.purchase_references[who].buy(amount, until, self.now)
        self.purchases.append((who, key, self.purchase_references[who].purchases[-1]))

    @precondition(lambda self: self.purchases)
    @rule(pick=indexes, goal=amounts | st.just(0))
    def claw_back(self, pick: int, goal: int) -> None:
        """Claw back or restore credits until `goal` of a purchase are clawed back."""
        who, key, purchase = self.purchases[pick % len(self.purchases)]
        reference = self.purchase_references[who]
        change = min(goal, purchase.amount) - purchase.clawed_back
        if change > 0:
            taken, _, owed = reference.plan(purchase, change)
            assert self.clawbacks.preview(key, purchase.clawed_back + change) == (len(taken), owed)
            reference.claw_back(purchase, change)
        elif change < 0:
            reference.restore(purchase, -change, self.now)
        self.clawbacks.claw_back_to(key, purchase.clawed_back)
        before = ledger_rows()
        self.clawbacks.claw_back_to(key, purchase.clawed_back)
        assert ledger_rows() == before

    @rule(who=user_indexes, amount=amounts, wait=waits, spent=st.booleans(), grace=st.booleans())
    def old_purchase(
        self, who: int, amount: int, wait: timedelta, spent: bool, grace: bool
    ) -> None:
        """Let credits expire, some of them spent, before the clawback."""
        self.buy(who, amount, DAY)
        if spent and self.references[who].open:
            self.spend_all(who)
            self.wait(DAY)
            self.refund(len(self.spends) - 1, grace, None)
        self.wait(wait)
        self.claw_back(len(self.purchases) - 1, amount)

    @rule(who=user_indexes, amount=amounts, then=st.sampled_from(["", "back", "late", "expired"]))
    def debt(self, who: int, amount: int, then: str) -> None:
        """Claw back a spent purchase; then grant or refund credits, or undo the clawback."""
        self.buy(who, amount, 30 * DAY)
        pick = len(self.purchases) - 1
        if self.references[who].open:
            self.spend_all(who)
        self.claw_back(pick, amount)
        if then == "back" and self.spends:
            self.refund(len(self.spends) - 1, True, None)
        if then == "expired":
            self.grant(who, amount, timedelta(0), Lot.Kind.EARNED)
        if then == "late":
            self.grant(who, 3, None, Lot.Kind.EARNED)
            self.claw_back(pick, 0)

    @rule(
        who=user_indexes,
        goals=st.tuples(*[st.integers(0, 6)] * 3),
        spent=st.integers(0, 6),
        others=st.booleans(),
        pauses=st.tuples(*[st.sampled_from([timedelta(0), DAY])] * 2),
    )
    def in_steps(
        self,
        who: int,
        goals: tuple[int, int, int],
        spent: int,
        others: bool,
        pauses: tuple[timedelta, timedelta],
    ) -> None:
        """Claw back and restore in steps while credits are spent and expire."""
        self.buy(who, 6, DAY)
        pick = len(self.purchases) - 1
        if min(spent, len(self.references[who].open)):
            self.spend(who, min(spent, len(self.references[who].open)))
        self.wait(pauses[0])
        self.claw_back(pick, goals[0])
        if others:
            self.grant(who, 3, None, Lot.Kind.BONUS)
        self.claw_back(pick, goals[1])
        self.wait(pauses[1])
        self.claw_back(pick, goals[2])

    @rule(who=user_indexes, amount=amounts, goal=amounts | st.just(0))
    def two_debts(self, who: int, amount: int, goal: int) -> None:
        """Claw back two purchases, the second as a debt; then restore the first."""
        self.buy(who, amount, 30 * DAY)
        self.claw_back(len(self.purchases) - 1, amount)
        self.buy(who, amount, 30 * DAY)
        self.spend_all(who)
        self.claw_back(len(self.purchases) - 1, amount)
        self.claw_back(len(self.purchases) - 2, goal)

    @rule(who=user_indexes, goal=st.integers(1, 6))
    def two_graces(self, who: int, goal: int) -> None:
        """Refund one purchase into two grace lots that expire one after the other."""
        self.buy(who, 6, DAY)
        for part in (2, 3):
            if len(self.references[who].open) >= part:
                self.spend(who, part)
        self.wait(DAY)
        for back in (2, 1):
            if len(self.spends) >= back:
                self.refund_of(len(self.spends) - back, True, None)
            self.wait(timedelta(hours=1))
        self.claw_back(len(self.purchases) - 1, goal)

    @invariant()
    def clawed_back_credits_were_taken_or_are_owed(self) -> None:
        for who, user in enumerate(self.users):
            expected = sum(
                p.clawed_back - p.clawed_back_expired
                for p in self.purchase_references[who].purchases
            )
            account = Account.objects.filter(user_id=user.pk).first()
            if account:
                assert account.total_clawed_back + account.debt == expected
