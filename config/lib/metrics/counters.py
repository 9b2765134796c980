"""The counters of this process, and the text in which Prometheus reads them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

import prometheus_client
from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_PLAIN_0_0_4
# Answers come within a second, or a client is uploading, or the process is overloaded.
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(frozen=True)
class Gauge:
    """A figure at this moment: its name, what it says, and its values by label."""

    name: str
    text: str
    label: str
    values: dict[str, float] = field(default_factory=dict)


class Counters:
    """The counters of a process in a registry of their own; all begin with 0 when it starts."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        prometheus_client.ProcessCollector("firstlight", registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"firstlight_{name}", text, labels, registry=registry)

        self.requests = counter("http_requests", "Answered requests", "route", "method", "status")
        self.request_seconds = Histogram(
            "firstlight_http_request_seconds",
            "Seconds until the answer of a request began",
            ("route",),
            buckets=SECONDS,
            registry=registry,
        )
        self.polls = counter("engine_polls", "Polls of jobs", "engine")
        self.engine_errors = counter(
            "engine_errors", "Steps at engines that failed", "engine", "step", "kind"
        )
        self.videos_ended = counter("videos_ended", "Videos that ended", "engine", "status")
        self.credits = counter("credits", "Credits moved by entries of the ledger", "type")
        self.webhook_attempts = counter(
            "webhook_attempts", "Attempts to deliver webhooks to clients", "result"
        )

        self._begin_with_zero()

    def _begin_with_zero(self) -> None:
        """Show what nothing has counted yet: rate() does not see the first value of a series."""
        for kind in ("spent", "refunded", "purchased"):
            self.credits.labels(kind)
        for result in ("delivered", "pending", "failed", "blocked"):
            self.webhook_attempts.labels(result)
        for engine in settings.ENGINES:
            self.polls.labels(engine)
            for status in ("succeeded", "failed", "cancelled", "timeout"):
                self.videos_ended.labels(engine, status)

    def text(self, gauges: Iterable[Gauge] = ()) -> bytes:
        """Return all counters and these figures in the text format of Prometheus."""
        own = prometheus_client.generate_latest(self.registry)
        return own + prometheus_client.generate_latest(_Once(gauges))


class _Once(CollectorRegistry):
    """Figures that are shown once, beside the counters of the process."""

    def __init__(self, gauges: Iterable[Gauge]) -> None:
        super().__init__()
        self.register(_Figures(list(gauges)))


class _Figures(Collector):
    def __init__(self, gauges: list[Gauge]) -> None:
        self._gauges = gauges

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for gauge in self._gauges:
            labels = [gauge.label] if gauge.label else []
            family = GaugeMetricFamily(f"firstlight_{gauge.name}", gauge.text, labels=labels)
            for value, number in gauge.values.items():
                family.add_metric([value] if gauge.label else [], number)
            yield family


@cache
def of_process() -> Counters:
    """Return the counters of this process."""
    return Counters()
