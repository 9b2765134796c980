"""A site whose metrics can be read with a token."""

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.test import Client

from tests.config.monitoring.scrape import Scrape

TOKEN = "t" * 32


@pytest.fixture
def scrape(settings: LazySettings, db: None) -> Callable[[], Scrape]:
    """Return a function that reads /metrics."""
    settings.METRICS_TOKEN, settings.METRICS = TOKEN, True

    def read() -> Scrape:
        answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        return Scrape(answer.content.decode())

    return read
