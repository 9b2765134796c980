"""Deleting in batches: everything that matches goes, nothing else, in small transactions."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.lib import batches
from config.lib.models import RateCounter


def add(count: int, ends_ms: int) -> None:
    RateCounter.objects.bulk_create(
        RateCounter(key=f"{ends_ms}:{n:03}", hits=1, ends_ms=ends_ms) for n in range(count)
    )


def test_all_rows_that_match_go_in_batches_and_rows_that_stay_are_passed_once(db: None) -> None:
    add(7, 1)
    add(5, 2)
    with CaptureQueriesContext(connection) as queries:
        assert batches.delete(RateCounter.objects.filter(ends_ms=2), batch=2) == 5
    kinds = [query["sql"].split()[0] for query in queries]
    assert (kinds.count("SELECT"), kinds.count("DELETE")) == (4, 3)
    assert RateCounter.objects.count() == 7
