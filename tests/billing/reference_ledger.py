"""A slow reference for the ledger: every single credit is an object."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count, groupby

from billing.ledger.credits import Summary

GRACE = timedelta(days=7)


@dataclass(eq=False)
class Credit:
    """One credit: its lot, its kind, its expiry, and whether its lot is a grace lot."""

    lot: int
    kind: str
    expires_at: datetime | None
    grace: bool = False

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def spending_order(self) -> tuple[bool, float, int]:
        """Return the sort key of spending: first to expire first, then the older lot."""
        if self.expires_at is None:
            return True, 0, self.lot
        return False, self.expires_at.timestamp(), self.lot


@dataclass
class ReferenceAccount:
    """One user's credits: open ones, those of each spend, and the totals."""

    open: list[Credit] = field(default_factory=list)
    spent: dict[str, list[Credit]] = field(default_factory=dict)
    debt: int = 0
    earned: int = 0
    expired: int = 0
    clawed_back: int = 0
    numbers: "count[int]" = field(default_factory=count)

    def post_expiry(self, now: datetime) -> None:
        living = [credit for credit in self.open if not credit.is_expired(now)]
        self.expired += len(self.open) - len(living)
        self.open = sorted(living, key=Credit.spending_order)

    def grant(self, amount: int, kind: str, expires_at: datetime | None, now: datetime) -> None:
        lot = next(self.numbers)
        self.open += [Credit(lot, kind, expires_at) for _ in range(amount)]
        self.earned += amount
        self.post_expiry(now)
        self.collect_debt()

    def spend(self, key: str, amount: int) -> None:
        self.spent[key], self.open = self.open[:amount], self.open[amount:]

    def refund(self, key: str, amount: int, grace: bool, now: datetime) -> None:
        graces: dict[int, int] = {}
        for _ in range(amount):
            credit = self.spent[key].pop()
            if credit.is_expired(now) and grace and not credit.grace:
                if credit.lot not in graces:
                    graces[credit.lot] = next(self.numbers)
                credit = Credit(graces[credit.lot], credit.kind, now + GRACE, grace=True)
            self.open.append(credit)
        self.post_expiry(now)
        self.collect_debt()

    def collect_debt(self) -> None:
        due = min(self.debt, len(self.open))
        self.open = self.open[due:]
        self.debt -= due
        self.clawed_back += due

    def summary(self) -> Summary:
        return Summary(
            available=len(self.open),
            owed=self.debt,
            total_earned=self.earned,
            total_spent=sum(map(len, self.spent.values())),
            total_expired=self.expired,
            total_clawed_back=self.clawed_back,
            next_expiry_at=self.open[0].expires_at if self.open else None,
        )

    def profile(self) -> list[tuple[int, str, datetime | None, bool]]:
        """Return the open lots in spending order: (credits, kind, expiry, is grace)."""
        lots = [list(lot) for _, lot in groupby(self.open, key=Credit.spending_order)]
        return [(len(lot), lot[0].kind, lot[0].expires_at, lot[0].grace) for lot in lots]
