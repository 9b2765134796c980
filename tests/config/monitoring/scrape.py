"""Read a page of /metrics as Prometheus does."""

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Scrape:
    """The samples of a page by name and labels."""

    def __init__(self, text: str) -> None:
        families = text_string_to_metric_families(text)
        self._samples: Samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    @property
    def names(self) -> set[str]:
        return {name for name, _ in self._samples}

    def value(self, name: str, **labels: str) -> float:
        """Return a sample; 0 for a counter that has not counted."""
        return self._samples.get((f"firstlight_{name}", frozenset(labels.items())), 0.0)
