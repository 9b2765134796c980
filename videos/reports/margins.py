"""What models earn: the value of the credits of their videos minus what engines charged.

All amounts are in the currency of credits. Sandboxes are left out. A cost that nobody knows, or
that has no exchange rate, makes the margin unknown.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum

from billing import exchange
from config.lib.charts import last_days, start_of_day
from config.lib.durations import QuarterHour, day_of
from videos.catalog.reading import catalog
from videos.engines.base import is_sandbox
from videos.models import Video

Status = Video.Status

DAYS = 7
# A submit whose answer was lost: the engine may have made the video.
LOST = Q(engine_job_id="", submit_count__gt=0) & (
    Q(status__in=(Status.CANCELLED, Status.TIMEOUT)) | Q(failure_code="submit_lost")
)


@dataclass
class Margin:
    """The jobs of a model on a day, or on all days; `unknown` counts those of unknown cost."""

    model: str
    day: date | None = None
    jobs: int = 0
    value: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    unknown: int = 0

    @property
    def label(self) -> str:
        return catalog().label(self.model)

    @property
    def margin(self) -> Decimal | None:
        """Value minus cost; None while a cost is unknown."""
        return None if self.unknown else self.value - self.cost

    def add(self, jobs: int, value: Decimal, cost: Decimal | None) -> None:
        """Add jobs with their value and their cost; None for an unknown one."""
        self.jobs += jobs
        self.value += value
        self.cost += cost or 0
        self.unknown += jobs if cost is None else 0


def jobs(videos: QuerySet[Video]) -> QuerySet[Video]:
    """Those of the videos that a real engine has, or may have, taken."""
    sandboxes = [name for name in settings.ENGINES if is_sandbox(name)]
    return videos.exclude(engine__in=sandboxes).filter(~Q(engine_job_id="") | LOST)


def by_model_and_day() -> tuple[list[Margin], list[Margin]]:
    """The margins of the last DAYS days by model, the highest value first, and by model and day.

    Takes one query. A job belongs to the day on which its video ended.
    """
    since = start_of_day(last_days(DAYS)[0])
    # The creation has an index.
    wait = settings.QUEUE_DEADLINE + settings.VIDEO_DEADLINE + settings.RESULT_DEADLINE
    ended = Video.objects.filter(
        created_at__gte=since - wait - timedelta(days=1), completed_at__gte=since
    )
    rows = (
        jobs(ended)
        .order_by()
        .values_list(QuarterHour("completed_at"), "model", "cost_currency")
        .annotate(
            jobs=Count("pk"),
            credits=Sum("credits", filter=Q(status=Status.SUCCEEDED), default=0),
            cost=Sum("cost_amount"),
        )
    )
    models: dict[str, Margin] = {}
    days: dict[tuple[date, str], Margin] = {}
    for quarter, model, currency, count, credits, amount in rows:
        day = day_of(quarter)
        cost = None if amount is None else exchange.convert(amount, currency)
        for margin in (
            models.setdefault(model, Margin(model)),
            days.setdefault((day, model), Margin(model, day)),
        ):
            margin.add(count, exchange.credit_value(credits), cost)
    return (
        sorted(models.values(), key=lambda margin: (-margin.value, -margin.cost, margin.model)),
        [days[key] for key in sorted(days, key=lambda key: (-key[0].toordinal(), key[1]))],
    )


@dataclass
class Spend:
    """What an engine charges for some jobs: amounts by currency, and jobs of unknown cost."""

    amounts: dict[str, Decimal]
    unknown: int = 0


def spend_today() -> dict[str, Spend]:
    """What the jobs of today cost at each configured engine but sandboxes, with one query."""
    since = start_of_day(last_days(1)[0])
    submitted = Video.objects.filter(
        created_at__gte=since - settings.QUEUE_DEADLINE, submitted_at__gte=since
    )
    rows = (
        jobs(submitted)
        .order_by()
        .values_list("engine", "cost_currency")
        .annotate(jobs=Count("pk"), cost=Sum("cost_amount"))
    )
    found: dict[str, Spend] = defaultdict(lambda: Spend({}))
    for engine, currency, count, amount in rows:
        if amount is None:
            found[engine].unknown += count
        else:
            found[engine].amounts[currency] = amount
    return {name: found[name] for name in settings.ENGINES if not is_sandbox(name)}
