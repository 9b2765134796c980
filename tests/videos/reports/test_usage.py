"""What was used: the page's figures agree with the ledger, and the file with the videos."""

import csv
import re
from datetime import timedelta
from io import StringIO

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.auth import api_keys
from accounts.models import User
from billing.ledger import credits
from billing.models import Entry
from tests.markup import flat
from tests.videos.conftest import completed, failed, order, reloaded
from videos.jobs import removal, state_machine
from videos.models import Video
from videos.reports import usage


@pytest.fixture
def month(alice: User, mp4: bytes) -> list[Video]:
    """Two ready ones of two models, a failed, a cancelled, a waiting, and one of last year."""
    credits.grant(alice, 1000, credits.Kind.EARNED, "gift", expires_at=None)
    made = [
        completed(order(alice, "A boat"), mp4),
        completed(order(alice, "=cmd()", model="sora-2-pro"), mp4),
        failed(order(alice, "A storm")),
        order(alice, "A night"),
        order(alice, "A day"),
        completed(order(alice, "Long ago"), mp4),
    ]
    state_machine.cancel(made[3])
    Video.objects.filter(pk=made[5].pk).update(created_at=timezone.now() - timedelta(days=400))
    return [reloaded(video) for video in made]


def test_usage_counts_every_video_and_credit_of_the_period(alice: User, month: list[Video]) -> None:
    use = usage.usage_of(alice, 30)
    assert (use.ready, use.failed, use.cancelled, use.rendering) == (2, 1, 1, 1)
    assert use.success_rate == 66
    books = sum(
        -e.amount for e in credits.history(alice) if e.reference_type == Entry.VIDEO_REFERENCE
    )
    assert (use.spent, use.returned, use.net_credits) == (130, 40, 90)
    assert use.net_credits == books
    assert [(m.label, m.videos, m.ready, m.failed, m.credits) for m in use.models] == [
        ("Sora 2", 4, 1, 1, 40),
        ("Sora 2 Pro", 1, 1, 0, 30),
    ]


def test_chart_bars_show_the_credits_of_their_day(alice: User, month: list[Video]) -> None:
    days = usage.usage_of(alice, 7).days
    assert [(day.spent, day.returned) for day in days] == [(0, 0)] * 6 + [(130, 40)]
    assert (days[-1].spent_bar.height, days[-1].spent_bar.top) == (usage.CHART_HEIGHT, 1)
    assert days[-1].day == timezone.localdate()


def test_usage_counts_deleted_videos(alice: User, month: list[Video]) -> None:
    before = usage.usage_of(alice, 30)
    removal.delete(month[0])
    after = usage.usage_of(alice, 30)
    assert (after.net_credits, after.ready) == (before.net_credits, before.ready)


def test_success_rate_is_empty_when_nothing_ended(alice: User) -> None:
    assert usage.usage_of(alice, 7).success_rate is None


def test_usage_does_not_count_videos_of_another_user(bob: User, month: list[Video]) -> None:
    use = usage.usage_of(bob, 30)
    assert (use.videos, use.spent, use.models) == (0, 0, [])


@pytest.mark.parametrize(("query", "period"), [("", 30), ("?days=90", 90), ("?days=400", 30)])
def test_usage_page_shows_the_chosen_period(
    page: Client, month: list[Video], query: str, period: int
) -> None:
    body = flat(page.get(f"/usage/{query}"))
    chosen = re.findall(r'aria-current="true">(\d+) days', body)
    assert chosen == [str(period)]
    assert "worth about ¥9.00" in body
    # The chart adds up to the figure above it.
    charged, back, used = re.search(
        r"(\d+) charged</span>.*?(\d+) returned.*?(\d+) used", body
    ).groups()  # type: ignore[union-attr]
    assert int(charged) - int(back) == int(used) == 90


def test_usage_page_needs_as_many_queries_for_many_videos(
    page: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    credits.grant(alice, 1000, credits.Kind.EARNED, "gift", expires_at=None)
    order(alice)
    page.get("/usage/")
    for more in (0, 6):
        for _ in range(more):
            order(alice, model="sora-2-pro")
        with django_assert_num_queries(8):
            page.get("/usage/")


def test_csv_has_one_row_per_video(page: Client, month: list[Video]) -> None:
    removal.delete(month[0])
    answer = page.get("/usage/usage.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="usage-30-days.csv"'
    text = b"".join(answer).decode()
    rows = list(csv.DictReader(StringIO(text)))
    assert [(row["status"], row["credits"], row["returned"], row["prompt"]) for row in rows] == [
        ("queued", "20", "0", "A day"),
        ("cancelled", "20", "20", "A night"),
        ("failed", "20", "20", "A storm"),
        ("completed", "30", "0", "'=cmd()"),
        ("completed", "20", "0", ""),
    ]


@pytest.mark.parametrize("path", ["/usage/", "/usage/usage.csv"])
def test_usage_requires_signing_in(db: None, path: str) -> None:
    assert Client().get(path)["Location"] == f"/accounts/login/?next={path}"


def test_usage_is_grouped_by_kind_and_api_key(alice: User, api: APIClient) -> None:
    credits.grant(alice, 1000, credits.Kind.EARNED, "gift", expires_at=None)
    _key, text = api_keys.issue(alice, "Newsletter", ["read", "generate"])
    program = APIClient(headers={"X-API-Key": text})
    asked = {"prompt": "A boat"}
    assert program.post("/api/videos", {**asked, "model": "sora-2-pro"}).status_code == 201
    assert program.post("/api/videos/text-to-video", asked, format="json").status_code == 200
    assert api.post("/api/videos", asked).status_code == 201
    use = usage.usage_of(alice, 7)
    assert [(group.label, group.videos, group.credits) for group in use.keys] == [
        ("Newsletter", 2, 50),
        ("Without an API key", 1, 20),
    ]
    assert [(group.label, group.videos, group.width) for group in use.kinds] == [
        ("From text", 3, 100)
    ]
    assert [(group.label, group.videos) for group in use.models] == [
        ("Sora 2", 2),
        ("Sora 2 Pro", 1),
    ]


def test_retry_and_remix_count_for_the_api_key_that_ordered_them(
    alice: User, page: Client, mp4: bytes
) -> None:
    credits.grant(alice, 1000, credits.Kind.EARNED, "gift", expires_at=None)
    key, text = api_keys.issue(alice, "Newsletter", ["read", "generate"])
    program = APIClient(headers={"X-API-Key": text})
    lost, done = failed(order(alice)), completed(order(alice), mp4)
    assert program.post(f"/api/tasks/{lost.pk}/retry").status_code == 200
    assert program.post(f"/api/videos/{done.pk}/remix", {"prompt": "Rain"}).status_code == 201
    asked = Video.objects.exclude(pk__in=[lost.pk, done.pk])
    assert [video.api_key_id for video in asked] == [key.pk] * 2
    rows = list(csv.DictReader(StringIO(b"".join(page.get("/usage/usage.csv")).decode())))
    assert sorted(row["key"] for row in rows) == ["", "", "Newsletter", "Newsletter"]


def test_average_wait_is_that_of_ready_videos(alice: User, mp4: bytes) -> None:
    for seconds in (10, 30):
        video = completed(order(alice), mp4)
        until = video.created_at + timedelta(seconds=seconds)
        Video.objects.filter(pk=video.pk).update(completed_at=until)
    failed(order(alice))
    assert usage.usage_of(alice, 7).average_wait == timedelta(seconds=20)
