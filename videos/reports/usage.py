"""What a person used in a period: credits by day, model, kind and key, and how often it went well.

Deleted videos count too: they were paid for.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.ledger import credits as ledger_credits
from billing.reports.statement import Bars
from videos import catalog
from videos.models import Video, VideoQuerySet

Status = Video.Status

KINDS = {
    Video.Operation.TEXT: gettext_lazy("From words"),
    Video.Operation.IMAGE: gettext_lazy("From words and an image"),
    Video.Operation.REMIX: gettext_lazy("Remix"),
}
# In the units of the drawing: its width, the ground line and the highest bar.
WIDE, GROUND, HIGHEST = 720, 119, 118


@dataclass(frozen=True)
class Day(Bars):
    """A day of the period, and where its bars stand."""

    ground, room = GROUND, HIGHEST

    x: float
    width: float

    @property
    def returned_x(self) -> float:
        return round(self.x + self.width, 1)


@dataclass(frozen=True)
class UsageGroup:
    """What a model, kind or key was used for; `width` is its bar, 100 the most used one's."""

    label: str
    videos: int
    ready: int
    lost: int
    credits: int
    wait: timedelta | None
    width: int

    @property
    def rate(self) -> int | None:
        return rate_of(self.ready, self.lost)


@dataclass(frozen=True)
class UsageReport:
    """One person's use of a period."""

    days: list[Day]
    models: list[UsageGroup]
    kinds: list[UsageGroup]
    keys: list[UsageGroup]
    wait: timedelta | None
    ready: int
    failed: int
    cancelled: int
    rendering: int

    @property
    def spent(self) -> int:
        return sum(day.spent for day in self.days)

    @property
    def returned(self) -> int:
        return sum(day.returned for day in self.days)

    @property
    def kept(self) -> int:
        return self.spent - self.returned

    @property
    def highest(self) -> int:
        return self.days[0].highest if self.days else 0

    @property
    def videos(self) -> int:
        return self.ready + self.failed + self.cancelled + self.rendering

    @property
    def rate(self) -> int | None:
        """Of those that ended by themselves, how many percent are ready."""
        return rate_of(self.ready, self.failed)


def rate_of(ready: int, failed: int) -> int | None:
    return 100 * ready // (ready + failed) if ready + failed else None


def first_day(days: int) -> datetime:
    """When a period of so many days, with today, began."""
    day = timezone.localdate() - timedelta(days=days - 1)
    return timezone.make_aware(datetime(day.year, day.month, day.day))  # noqa: DTZ001


def ordered_since(user: AbstractBaseUser, first: datetime) -> VideoQuerySet:
    return Video.objects.filter(user_id=user.pk, created_at__gte=first)


def usage_of(user: AbstractBaseUser, days: int) -> UsageReport:
    first = first_day(days)
    videos = ordered_since(user, first)
    failed = Count("pk", filter=Q(status__in=(Status.FAILED, Status.TIMEOUT)))
    totals = videos.aggregate(
        ready=Count("pk", filter=Q(status=Status.SUCCEEDED)),
        failed=failed,
        cancelled=Count("pk", filter=Q(status=Status.CANCELLED)),
        rendering=Count("pk", filter=Q(status__in=Video.ACTIVE)),
    )
    rows = _rows(videos)
    return UsageReport(
        days=_days(user, first, days),
        models=_groups(rows, lambda row: _model(row["model"])),
        kinds=_groups(rows, lambda row: str(KINDS[row["operation"]])),
        keys=_groups(rows, lambda row: row["api_key__name"] or _("In the studio")),
        wait=_wait(rows),
        **totals,
    )


def _days(user: AbstractBaseUser, first: datetime, count: int) -> list[Day]:
    spent, returned = (_by_day(user, type, first) for type in ("spent", "refunded"))
    highest = max([*spent.values(), *returned.values()], default=0)
    step = WIDE / count
    return [
        Day(
            day := timezone.localdate(first) + timedelta(days=n),
            spent.get(day, 0),
            returned.get(day, 0),
            highest,
            round(n * step + step * 0.1, 1),
            round(step * 0.4, 1),
        )
        for n in range(count)
    ]


def _by_day(user: AbstractBaseUser, type: str, first: datetime) -> dict[Any, int]:
    entries = ledger_credits.history(user, type).filter(
        reference_type=ledger_credits.VIDEO_REFERENCE, created_at__gte=first
    )
    rows = entries.order_by().annotate(day=TruncDate("created_at")).values("day")
    return {row["day"]: abs(row["sum"]) for row in rows.annotate(sum=Sum("amount"))}


def _rows(videos: VideoQuerySet) -> list[dict[str, Any]]:
    """One row for each model, kind and key there was."""
    ready = Q(status=Status.SUCCEEDED)
    took = ExpressionWrapper(F("completed_at") - F("created_at"), output_field=DurationField())
    groups = videos.order_by().values("model", "operation", "api_key", "api_key__name")
    rows: Iterable[Any] = groups.annotate(
        videos=Count("pk"),
        ready=Count("pk", filter=ready),
        lost=Count("pk", filter=Q(status__in=(Status.FAILED, Status.TIMEOUT))),
        kept=Sum("credits", filter=~Q(status__in=Video.LOST), default=0),
        wait=Avg(took, filter=ready),
    )
    return list(rows)


def _groups(rows: list[dict[str, Any]], label: Callable[[dict[str, Any]], str]) -> list[UsageGroup]:
    """The rows by what they are called, the dearest first."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(label(row), []).append(row)
    most = max((_sum(group, "kept") for group in groups.values()), default=0)
    found = [
        UsageGroup(
            name,
            _sum(group, "videos"),
            _sum(group, "ready"),
            _sum(group, "lost"),
            kept := _sum(group, "kept"),
            _wait(group),
            100 * kept // most if most else 0,
        )
        for name, group in groups.items()
    ]
    return sorted(found, key=lambda share: (-share.credits, share.label))


def _sum(rows: list[dict[str, Any]], name: str) -> int:
    return sum(row[name] for row in rows)


def _wait(rows: list[dict[str, Any]]) -> timedelta | None:
    """How long the ready ones took, on average."""
    ready = _sum(rows, "ready")
    total = sum((row["wait"] * row["ready"] for row in rows if row["ready"]), timedelta())
    return total / ready if ready else None


def _model(name: str) -> str:
    return catalog.MODELS[name].label if name in catalog.MODELS else name
