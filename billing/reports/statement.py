"""An account in the words and numbers the money pages show; it only reads."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.ledger import credits as ledger_credits
from billing.models import Entry, Lot, Payment

Type, Status = Entry.Type, Payment.Status

# The type a line of the history is filtered by, and its name; the rest is found under "Everything".
FILTERS = {
    Type.SPENT: gettext_lazy("Spent"),
    Type.REFUNDED: gettext_lazy("Returned"),
    Type.PURCHASED: gettext_lazy("Bought"),
    Type.BONUS: gettext_lazy("Bonus"),
    Type.EXPIRED: gettext_lazy("Expired"),
}


# ---- the balance, by what expires when ----

BAR, GAP, THINNEST = 1000, 6, 8
MOST_PARTS = 6


@dataclass
class Part:
    """Credits of one kind that expire on one day: a stretch of the bar and a row under it."""

    kind: str
    day: date | None
    expires_at: datetime | None
    credits: int = 0
    more: bool = False
    tone: str = ""
    x: int = 0
    width: int = 0

    @property
    def soon(self) -> bool:
        return (
            self.expires_at is not None
            and self.expires_at - timezone.now() < settings.EXPIRY_WARNING
        )

    @property
    def words(self) -> str:
        n = intcomma(self.credits)
        if self.more:
            return _("%(n)s more, expiring later") % {"n": n}
        return str(KINDS[self.kind]) % {"n": n}

    @property
    def warning(self) -> str:
        """How soon it expires, when that is within EXPIRY_WARNING_DAYS."""
        if not self.soon or self.day is None:
            return ""
        days = (self.day - timezone.localdate()).days
        if days < 1:
            return _("expires today")
        return ngettext("expires tomorrow", "expires in %(n)d days", days) % {"n": days}


GRACE = "grace"
KINDS: dict[str, Promise] = {
    Lot.Kind.PURCHASED: gettext_lazy("%(n)s bought"),
    Lot.Kind.BONUS: gettext_lazy("%(n)s bonus"),
    Lot.Kind.EARNED: gettext_lazy("%(n)s earned"),
    Lot.Kind.ADJUSTED: gettext_lazy("%(n)s from support"),
    GRACE: gettext_lazy("%(n)s returned after they had expired"),
}


def parts_of(lots: Iterable[Lot]) -> list[Part]:
    """What is left, first to be spent first, with its place on the bar."""
    parts: list[Part] = []
    for lot in lots:
        kind = GRACE if lot.parent_id else lot.kind
        day = timezone.localdate(lot.expires_at) if lot.expires_at else None
        last = parts[-1] if parts else None
        if last and (last.more or (last.kind, last.day) == (kind, day)):
            last.credits += lot.remaining
        elif last and len(parts) == MOST_PARTS:
            last.more = True
            last.credits += lot.remaining
        else:
            parts.append(Part(kind, day, lot.expires_at, lot.remaining))
    _lay_out(parts)
    return parts


def _lay_out(parts: list[Part]) -> None:
    total = sum(part.credits for part in parts)
    room = BAR - (GAP + THINNEST) * len(parts) + GAP
    x = 0
    for n, part in enumerate(parts):
        last = n == len(parts) - 1
        part.x = x
        part.width = BAR - x if last else THINNEST + room * part.credits // total
        part.tone = "lot-expiring" if part.soon else ("lot-even", "lot-odd")[n % 2]
        x += part.width + GAP


# ---- the last days ----

DAYS = 14
# In the units of the drawing: a day's room, a bar's width, the ground line and the highest bar.
STEP, BAR_WIDTH, GROUND, HIGHEST = 30, 10, 106, 70


@dataclass(frozen=True)
class Bars:
    """Credits spent and returned on a day, and how high their bars stand over the ground."""

    ground: ClassVar[int]
    room: ClassVar[int]

    day: date
    spent: int
    returned: int
    highest: int

    @property
    def spent_height(self) -> int:
        return self._height(self.spent)

    @property
    def returned_height(self) -> int:
        return self._height(self.returned)

    @property
    def spent_top(self) -> int:
        return self.ground - self.spent_height

    @property
    def returned_top(self) -> int:
        return self.ground - self.returned_height

    def _height(self, credits: int) -> int:
        return max(3, round(self.room * credits / self.highest)) if credits else 0


@dataclass(frozen=True)
class Day(Bars):
    """One of the last days, and where its bars stand."""

    ground, room = GROUND, HIGHEST

    n: int

    @property
    def x(self) -> int:
        return self.n * STEP + 4

    @property
    def middle(self) -> int:
        return self.n * STEP + STEP // 2

    @property
    def returned_x(self) -> int:
        return self.x + BAR_WIDTH + 1


@dataclass(frozen=True)
class Chart:
    days: list[Day]
    spent: int
    returned: int
    highest: int


def chart_of(user: AbstractBaseUser) -> Chart:
    """Credits spent and returned on each of the last days, in the current time zone."""
    today = timezone.localdate()
    first = today - timedelta(days=DAYS - 1)
    rows = (
        ledger_credits.history(user)
        .filter(type__in=(Type.SPENT, Type.REFUNDED), created_at__gte=_midnight(first))
        .order_by()
        .annotate(day=TruncDate("created_at"))
        .values("type", "day")
        .annotate(sum=Sum("amount"))
    )
    sums: dict[Any, int] = {(row["type"], row["day"]): abs(row["sum"]) for row in rows}
    highest = max(sums.values(), default=0)
    days = [
        Day(day, sums.get((Type.SPENT, day), 0), sums.get((Type.REFUNDED, day), 0), highest, n)
        for n, day in enumerate(first + timedelta(days=n) for n in range(DAYS))
    ]
    spent, returned = sum(d.spent for d in days), sum(d.returned for d in days)
    return Chart(days, spent, returned, highest)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001


# ---- the history ----

BADGES: dict[str, tuple[Promise, str]] = {
    Type.REFUNDED: (gettext_lazy("Returned"), "good"),
    Type.PURCHASED: (gettext_lazy("Bought"), "running"),
    Type.BONUS: (gettext_lazy("Bonus"), "running"),
    Type.EARNED: (gettext_lazy("Earned"), "running"),
    Type.ADJUSTED: (gettext_lazy("Adjusted"), "running"),
    Type.EXPIRED: (gettext_lazy("Expired"), ""),
}
TAKEN_BACK = (gettext_lazy("Taken back"), "warn")
GIVEN_AGAIN = (gettext_lazy("Given again"), "good")


@dataclass(frozen=True)
class Line:
    """A ledger entry as the history shows it."""

    entry: Entry

    @property
    def title(self) -> str:
        entry = self.entry
        if entry.type == Type.EXPIRED:
            return _("Credits that were not used in time")
        if entry.type == Type.CLAWED_BACK:
            return self._reversed()
        if entry.reference_type == "signup":
            return _("Welcome credits")
        if entry.reference_type == Entry.VIDEO_REFERENCE:
            _kind, _colon, prompt = entry.description.removeprefix("Returned: ").partition(": ")
            return prompt or entry.description
        if entry.reference_type == Entry.PAYMENT_REFERENCE and entry.description:
            return _(entry.description)  # a package's name
        return entry.description or entry.get_type_display()

    def _reversed(self) -> str:
        if self.entry.reference_type == "debt":
            return _("Credits that were owed")
        if self.entry.amount > 0:
            return _("The money of a refund stayed after all")
        return _("The money of a payment went back")

    @property
    def video(self) -> str:
        """The id of the video the line is about, which may be deleted by now."""
        return self.entry.reference_id if self.entry.reference_type == Entry.VIDEO_REFERENCE else ""

    @property
    def url(self) -> str:
        """The page of the video or the payment the line is about."""
        pages = {Entry.VIDEO_REFERENCE: "video", Entry.PAYMENT_REFERENCE: "payment"}
        name = pages.get(self.entry.reference_type)
        return reverse(name, args=[self.entry.reference_id]) if name else ""

    @property
    def badge(self) -> tuple[Promise, str] | None:
        if self.entry.type == Type.CLAWED_BACK:
            return GIVEN_AGAIN if self.entry.amount > 0 else TAKEN_BACK
        return BADGES.get(self.entry.type)

    @property
    def amount(self) -> str:
        """With its sign; the minus as wide as the plus."""
        return f"{'+' if self.entry.amount > 0 else '−'}{intcomma(abs(self.entry.amount))}"

    @property
    def expires_at(self) -> datetime | None:
        """When what it gave expires; what it took has no future."""
        return self.entry.expires_at if self.entry.amount > 0 else None


# ---- payments ----

STATUSES: dict[str, tuple[Promise, str]] = {
    Status.PENDING: (gettext_lazy("Waiting"), "running"),
    Status.SUCCEEDED: (gettext_lazy("Paid"), "good"),
    Status.FAILED: (gettext_lazy("Not paid"), ""),
    Status.REFUNDED: (gettext_lazy("Refunded"), "warn"),
    Status.PARTIAL_REFUNDED: (gettext_lazy("Partly refunded"), "warn"),
}
REASONS: dict[str, Promise] = {
    "session_expired": gettext_lazy("The checkout was not finished in time."),
    "payment_failed": gettext_lazy("The bank did not let the payment through."),
    "not_accepted": gettext_lazy("What was paid is not what was asked."),
    "create_failed": gettext_lazy("The checkout could not be prepared."),
}
FAILED = gettext_lazy("The payment did not go through.")


@dataclass(frozen=True)
class Receipt:
    """A payment in words."""

    payment: Payment

    @property
    def status(self) -> tuple[Promise, str]:
        return STATUSES[self.payment.status]

    @property
    def reason(self) -> str:
        """Why it failed, in one sentence."""
        return str(REASONS.get(self.payment.failure_code, FAILED))

    @property
    def can_continue(self) -> bool:
        """Whether its checkout page may still be open."""
        row = self.payment
        waiting = row.status == Status.PENDING and timezone.now() < row.session_expires_at
        return waiting and bool(row.payment_url)
