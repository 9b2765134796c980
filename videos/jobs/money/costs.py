"""What a job costs the operator, in money: the columns of a video that say so.

The engine's own figure counts where it states one, the latest if it states several. Otherwise the
catalog's cost rule estimates the cost, once, when the engine takes the job. Jobs of the sandbox
cost nothing and have no figure.
"""

import logging
import re
from decimal import Decimal
from typing import Any

from videos.catalog import capabilities
from videos.catalog.reading import catalog
from videos.engines.base import Cost, Job, is_sandbox
from videos.models import Video

log = logging.getLogger(__name__)

CURRENCY = re.compile(r"[A-Z]{3}")
# What the column holds.
SMALLEST, LIMIT = Decimal("0.000001"), Decimal(1_000_000)


def of_acceptance(video: Video, job: Job) -> dict[str, Any]:
    """The cost of a job that the engine has just taken; empty when nobody knows it."""
    if is_sandbox(video.engine):
        return {}
    return of_poll(job) or _columns(_estimate(video), Video.CostSource.ESTIMATE)


def of_poll(job: Job) -> dict[str, Any]:
    """The cost that the engine states now; empty when it states none."""
    return _columns(job.cost, Video.CostSource.ENGINE)


def of_failure(video: Video, job: Job) -> dict[str, Any]:
    """The cost of a job that failed at the engine.

    What the engine stated stays; an estimate becomes zero, because engines do not charge for a
    failure unless they say so.
    """
    is_estimate = video.cost_source == Video.CostSource.ESTIMATE
    return of_poll(job) or ({"cost_amount": Decimal(0)} if is_estimate else {})


def differs(video: Video, job: Job) -> bool:
    """Whether a poll states another cost than the video has."""
    found = of_poll(job)
    return any(getattr(video, name) != value for name, value in found.items())


def _estimate(video: Video) -> Cost | None:
    binding = capabilities.binding_at(video.model, video.engine)
    rule = binding.cost if binding else None
    if rule is None:
        return None
    frame = catalog().frame(video.model, video.size)
    amount = rule.amount(frame.resolution, video.seconds, video.audio)
    return None if amount is None else Cost(amount, rule.currency)


def _columns(cost: Cost | None, source: Video.CostSource) -> dict[str, Any]:
    if cost is None:
        return {}
    amount, currency = cost.amount, cost.currency.upper()
    if amount.is_finite() and amount < LIMIT:
        amount = amount.quantize(SMALLEST)  # which may round up to the limit
    if not amount.is_finite() or not 0 <= amount < LIMIT or not CURRENCY.fullmatch(currency):
        log.warning("a cost that cannot be stored: %s %s", amount, currency)
        return {}
    return {
        "cost_amount": amount,
        "cost_currency": currency,
        "cost_source": source.value,
    }
