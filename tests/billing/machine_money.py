"""Random lives in which credits are bought and their money goes back and comes again."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from billing.ledger import clawbacks as ledger_clawbacks
from billing.models import Account, Lot
from tests.billing.conftest import DAY, everything
from tests.billing.machine import RANDOM, Machine, amounts, people, picks, waits
from tests.billing.oracle import GRACE, Credit, Purse
from tests.tiers import rounds

MODERATE = settings(RANDOM, max_examples=rounds(20, 100), stateful_step_count=rounds(20, 30))


@dataclass(eq=False)
class Bought(Credit):
    """A credit of a purchase; it stays one in a grace lot and when it is given again."""

    purchase: "Purchase | None" = None


@dataclass(eq=False)
class Purchase:
    """How many of its credits were cancelled: dead ones, and others, taken or owed."""

    amount: int
    expires_at: datetime
    cancelled: int = 0
    cancelled_dead: int = 0
    died: int = 0


@dataclass
class Wallet(Purse):
    """A purse that knows which credits were bought together."""

    purchases: list[Purchase] = field(default_factory=list)

    def settle(self, now: datetime) -> None:
        for credit in self.open:
            if credit.dead(now) and isinstance(credit, Bought) and credit.purchase:
                credit.purchase.died += 1
        super().settle(now)

    def buy(self, amount: int, expires_at: datetime, now: datetime) -> None:
        purchase = Purchase(amount, expires_at)
        self.purchases.append(purchase)
        self.add(purchase, amount, expires_at, grace=False)
        self.earned += amount
        self.settle(now)
        self.pay()

    def add(self, purchase: Purchase, amount: int, until: datetime, *, grace: bool) -> None:
        lot = next(self.numbers)
        kind = Lot.Kind.PURCHASED.value
        self.open += [Bought(lot, kind, until, grace, purchase) for _ in range(amount)]

    def refund(self, key: str, amount: int, grace: bool, now: datetime) -> None:
        graces: dict[int, int] = {}
        for _ in range(amount):
            credit = self.held[key].pop()
            if credit.dead(now) and grace and not credit.grace:
                if credit.lot not in graces:
                    graces[credit.lot] = next(self.numbers)
                lot = graces[credit.lot]
                credit = replace(credit, lot=lot, expires_at=now + GRACE, grace=True)
            self.open.append(credit)
        self.settle(now)
        self.pay()

    def plan(self, purchase: Purchase, change: int) -> tuple[list[Credit], int, int]:
        """What `change` more cancelled credits take, how many were dead, how many are owed."""
        own = [c for c in self.open if isinstance(c, Bought) and c.purchase is purchase][:change]
        dead = min(purchase.died - purchase.cancelled_dead, change - len(own))
        mine = set(map(id, own))
        others = [credit for credit in self.open if id(credit) not in mine]
        taken = own + others[: change - len(own) - dead]
        return taken, dead, change - dead - len(taken)

    def cancel(self, purchase: Purchase, change: int) -> None:
        taken, dead, owed = self.plan(purchase, change)
        gone = set(map(id, taken))
        self.open = [credit for credit in self.open if id(credit) not in gone]
        purchase.cancelled += change
        purchase.cancelled_dead += dead
        self.reversed += len(taken)
        self.debt += owed

    def restore(self, purchase: Purchase, give: int, now: datetime) -> None:
        living = min(give, purchase.cancelled - purchase.cancelled_dead)
        purchase.cancelled -= give
        purchase.cancelled_dead -= give - living
        late = purchase.expires_at <= now
        self.add(purchase, living, now + GRACE if late else purchase.expires_at, grace=True)
        self.reversed -= living
        self.settle(now)
        self.pay()


class PurchaseMachine(Machine):
    """`clawbacks` is the module under test; `purchases` are (who, key) as they were made."""

    clawbacks: Any = ledger_clawbacks

    def __init__(self) -> None:
        super().__init__()
        self.wallets = [Wallet(), Wallet()]
        self.purses = list(self.wallets)
        self.purchases: list[tuple[int, str, Purchase]] = []

    @rule(who=people, amount=amounts, lifetime=st.sampled_from([DAY, 2 * DAY, 30 * DAY]))
    def buy(self, who: int, amount: int, lifetime: timedelta) -> None:
        key = f"pay:{next(self.numbers)}"
        until = self.now + lifetime
        user = self.users[who]
        self.do(
            lambda n: self.ledger.grant(user, n, Lot.Kind.PURCHASED, key, expires_at=until),
            amount,
        )
        self.wallets[who].buy(amount, until, self.now)
        self.purchases.append((who, key, self.wallets[who].purchases[-1]))

    @precondition(lambda self: self.purchases)
    @rule(pick=picks, goal=amounts | st.just(0))
    def money(self, pick: int, goal: int) -> None:
        """Money goes back, or comes again, until `goal` credits are cancelled."""
        who, key, purchase = self.purchases[pick % len(self.purchases)]
        wallet = self.wallets[who]
        change = min(goal, purchase.amount) - purchase.cancelled
        if change > 0:
            taken, _, owed = wallet.plan(purchase, change)
            assert self.clawbacks.preview(key, purchase.cancelled + change) == (len(taken), owed)
            wallet.cancel(purchase, change)
        elif change < 0:
            wallet.restore(purchase, -change, self.now)
        self.clawbacks.claw_back_to(key, purchase.cancelled)
        before = everything()
        self.clawbacks.claw_back_to(key, purchase.cancelled)
        assert everything() == before

    @rule(who=people, amount=amounts, wait=waits, spent=st.booleans(), grace=st.booleans())
    def old_purchase(
        self, who: int, amount: int, wait: timedelta, spent: bool, grace: bool
    ) -> None:
        """Credits die, some of them in the hands of a spend, before the money goes back."""
        self.buy(who, amount, DAY)
        if spent and self.purses[who].open:
            self.spend_all(who)
            self.wait(DAY)
            self.refund(len(self.spends) - 1, grace, None)
        self.wait(wait)
        self.money(len(self.purchases) - 1, amount)

    @rule(who=people, amount=amounts, then=st.sampled_from(["", "back", "late", "stillborn"]))
    def debt(self, who: int, amount: int, then: str) -> None:
        """A purchase that was spent is taken back; something comes in, or the money comes again."""
        self.buy(who, amount, 30 * DAY)
        pick = len(self.purchases) - 1
        if self.purses[who].open:
            self.spend_all(who)
        self.money(pick, amount)
        if then == "back" and self.spends:
            self.refund(len(self.spends) - 1, True, None)
        if then == "stillborn":
            self.grant(who, amount, timedelta(0), Lot.Kind.EARNED)
        if then == "late":
            self.grant(who, 3, None, Lot.Kind.EARNED)
            self.money(pick, 0)

    @rule(
        who=people,
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
        """Money goes back and comes again bit by bit while credits are held and die."""
        self.buy(who, 6, DAY)
        pick = len(self.purchases) - 1
        if min(spent, len(self.purses[who].open)):
            self.spend(who, min(spent, len(self.purses[who].open)))
        self.wait(pauses[0])
        self.money(pick, goals[0])
        if others:
            self.grant(who, 3, None, Lot.Kind.BONUS)
        self.money(pick, goals[1])
        self.wait(pauses[1])
        self.money(pick, goals[2])

    @rule(who=people, amount=amounts, goal=amounts | st.just(0))
    def two_debts(self, who: int, amount: int, goal: int) -> None:
        """One purchase was taken back, another is owed; then the money of the first comes again."""
        self.buy(who, amount, 30 * DAY)
        self.money(len(self.purchases) - 1, amount)
        self.buy(who, amount, 30 * DAY)
        self.spend_all(who)
        self.money(len(self.purchases) - 1, amount)
        self.money(len(self.purchases) - 2, goal)

    @rule(who=people, goal=st.integers(1, 6))
    def two_graces(self, who: int, goal: int) -> None:
        """A purchase lives on in two lots that expire one after the other."""
        self.buy(who, 6, DAY)
        for part in (2, 3):
            if len(self.purses[who].open) >= part:
                self.spend(who, part)
        self.wait(DAY)
        for back in (2, 1):
            if len(self.spends) >= back:
                self.refund_of(len(self.spends) - back, True, None)
            self.wait(timedelta(hours=1))
        self.money(len(self.purchases) - 1, goal)

    @invariant()
    def every_cancelled_credit_was_taken_or_dead_or_is_owed(self) -> None:
        for who, user in enumerate(self.users):
            cancelled = sum(p.cancelled - p.cancelled_dead for p in self.wallets[who].purchases)
            account = Account.objects.filter(user_id=user.pk).first()
            if account:
                assert account.total_clawed_back + account.debt == cancelled
