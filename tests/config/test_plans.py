"""SQLite finds the rows of long lists and of reports by indexes, and reads no large table whole.

It chooses its plans without knowing how many rows there are, so an empty database has the same.
"""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from billing.models import Entry
from billing.reports import daily_sums
from billing.reports import dashboard as billing_dashboard
from config.lib.charts import last_days, start_of_day
from config.lib.web.paging import FAR, CountedPaginator
from videos.jobs import cancellation
from videos.library.search import LibraryFilter
from videos.reports import daily_usage, dashboard

pytestmark = pytest.mark.embedded

NEWEST, OF_STATUS = "USING COVERING INDEX video_newest", "USING COVERING INDEX video_of_status"


def plan_of(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return [row[-1] for row in cursor.fetchall()]


@pytest.mark.parametrize("first", [FAR, 3 * FAR - 10])
@pytest.mark.parametrize(("status", "index"), [("", NEWEST), ("ready", OF_STATUS)])
def test_far_page_is_found_in_an_index(alice: User, first: int, status: str, index: str) -> None:
    wanted = LibraryFilter(status=status)
    pages = CountedPaginator(wanted.apply_status(wanted.apply(alice)), 10, 3 * FAR)
    with CaptureQueriesContext(connection) as queries:
        list(pages.page(first // 10 + 1))
    plan = plan_of(queries[0]["sql"])
    assert any(index in step for step in plan)
    assert not any("SCAN" in step for step in plan)


@pytest.mark.parametrize(
    ("sort", "index"), [("longest", "video_longest"), ("oldest", "video_newest")]
)
def test_order_of_a_library_is_that_of_an_index(alice: User, sort: str, index: str) -> None:
    with CaptureQueriesContext(connection) as queries:
        list(LibraryFilter(sort=sort).apply(alice)[:24])
    assert [f"USING INDEX {index} " in step for step in plan_of(queries[0]["sql"])] == [True]


def test_reports_read_no_table_whole(alice: User) -> None:
    first = start_of_day(last_days(30)[0])
    with CaptureQueriesContext(connection) as queries:
        daily_usage.groups_since(alice, first)
        daily_sums.spent_and_returned(alice, last_days(30), Entry.VIDEO_REFERENCE)
        cancellation.count_recent(alice)
        dashboard.ended_by_day()
        billing_dashboard.todays_figures()
        list(Entry.objects.order_by("-created_at", "-pk")[:50])
    tables = ("videos_video", "videos_dailyusage", "billing_entry")
    plans = [step for query in queries for step in plan_of(query["sql"])]
    whole = {step for step in plans if step.startswith("SCAN") and step.split()[1] in tables}
    assert whole == {"SCAN billing_entry USING INDEX entry_by_time"}
    assert any("billing_entry USING INDEX entry_by_time (created_at>?)" in step for step in plans)
    assert any("USING COVERING INDEX video_ended" in step for step in plans)
    assert any(
        "video_ended_of_user (user_id=? AND status=? AND completed_at>?)" in step for step in plans
    )
