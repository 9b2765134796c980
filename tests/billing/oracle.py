"""What the ledger must say, told the slow way: every single credit is a token with a life."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, groupby

from billing.ledger.credits import Summary

GRACE = timedelta(days=7)


@dataclass(eq=False)
class Credit:
    """One credit: the lot it lies in, its kind, until when, and whether by grace."""

    lot: int
    kind: str
    expires_at: datetime | None
    grace: bool = False

    def dead(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def turn(self) -> tuple[bool, float, int]:
        """The order of spending: first to expire, then first come."""
        if self.expires_at is None:
            return True, 0, self.lot
        return False, self.expires_at.timestamp(), self.lot


@dataclass
class Purse:
    """One user's credits: open ones, those a spend holds, and how many are no more."""

    open: list[Credit] = field(default_factory=list)
    held: dict[str, list[Credit]] = field(default_factory=dict)
    debt: int = 0
    earned: int = 0
    expired: int = 0
    reversed: int = 0
    numbers: "count[int]" = field(default_factory=count)

    def settle(self, now: datetime) -> None:
        living = [credit for credit in self.open if not credit.dead(now)]
        self.expired += len(self.open) - len(living)
        self.open = sorted(living, key=Credit.turn)

    def grant(self, amount: int, kind: str, expires_at: datetime | None, now: datetime) -> None:
        lot = next(self.numbers)
        self.open += [Credit(lot, kind, expires_at) for _ in range(amount)]
        self.earned += amount
        self.settle(now)
        self.pay()

    def spend(self, key: str, amount: int) -> None:
        self.held[key], self.open = self.open[:amount], self.open[amount:]

    def refund(self, key: str, amount: int, grace: bool, now: datetime) -> None:
        graces: dict[int, int] = {}
        for _ in range(amount):
            credit = self.held[key].pop()
            if credit.dead(now) and grace and not credit.grace:
                if credit.lot not in graces:
                    graces[credit.lot] = next(self.numbers)
                credit = Credit(graces[credit.lot], credit.kind, now + GRACE, grace=True)
            self.open.append(credit)
        self.settle(now)
        self.pay()

    def pay(self) -> None:
        due = min(self.debt, len(self.open))
        self.open = self.open[due:]
        self.debt -= due
        self.reversed += due

    def summary(self) -> Summary:
        return Summary(
            available=len(self.open),
            owed=self.debt,
            total_earned=self.earned,
            total_spent=sum(map(len, self.held.values())),
            total_expired=self.expired,
            total_clawed_back=self.reversed,
            next_expiry_at=self.open[0].expires_at if self.open else None,
        )

    def profile(self) -> list[tuple[int, str, datetime | None, bool]]:
        """The open lots in the order of spending: how much, what, until when, and if by grace."""
        lots = [list(lot) for _, lot in groupby(self.open, key=Credit.turn)]
        return [(len(lot), lot[0].kind, lot[0].expires_at, lot[0].grace) for lot in lots]
