"""Long libraries: what is counted, what is shown, and how many statements that takes."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from tests.markup import flat
from tests.videos.library.test_counts import add
from videos.library import search
from videos.library.search import MOST_COUNTED
from videos.models import Video

Status = Video.Status


def fill(user: User, number: int, **fields: Any) -> None:
    """Add this many ready videos like one another, or like `fields`."""
    row = add(user, Status.SUCCEEDED)
    own = {field.attname: getattr(row, field.attname) for field in Video._meta.concrete_fields}
    rows = [Video(**{**own, "id": uuid4(), **fields}) for _ in range(number - 1)]
    Video.objects.bulk_create(rows)
    Video.objects.filter(pk=row.pk).update(**fields)


def test_search_counts_every_kind_while_they_are_few(
    page: Client, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    add(alice, Status.RUNNING)
    failed = add(alice, Status.FAILED)
    add(alice, Status.TIMEOUT, favourited_at=timezone.now())
    add(alice, Status.CANCELLED, retry_of=failed)
    add(alice, Status.SUCCEEDED, deleted_at=timezone.now())
    fill(alice, 30)
    with django_assert_num_queries(1):
        found = search.found_counts(Video.objects.of(alice).matching("boat"))
    assert found == search.FoundCounts(34, ready=30, rendering=1, attention=1, favourites=1)
    assert search.found_counts(Video.objects.none()) == search.FoundCounts(0, 0, 0, 0, 0)
    text = flat(page.get("/library/?q=boat&page=2"))
    assert "Page 2 of 2" in text
    assert 'All<span class="numeric">34</span>' in text
    assert 'Ready<span class="numeric">30</span>' in text


def test_search_says_that_there_are_more_when_they_are_many(page: Client, alice: User) -> None:
    fill(alice, MOST_COUNTED + 1)
    first, last = (flat(page.get(f"/library/?q=boat&page={number}")) for number in (1, 42))
    assert f'All<span class="numeric">{MOST_COUNTED:,}+</span>' in first
    assert 'Ready<span class="numeric"></span>' in first
    assert ("Page 1<" in first, "Next page" in first, "Previous page" in first) == (
        True,
        True,
        False,
    )
    assert ("Page 42<" in last, "Next page" in last, "Previous page" in last) == (True, False, True)
    whole = flat(page.get("/library/"))
    assert f'All<span class="numeric">{MOST_COUNTED + 1:,}</span>' in whole
    assert "Page 1 of 42" in whole


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ("", MOST_COUNTED + 6),
        ("?status=completed", MOST_COUNTED + 1),
        ("?status=failed", 2),
        ("?status=in_progress", 1),
        ("?status=queued", 2),
        ("?q=boat", MOST_COUNTED),
        ("?q=boat&status=failed", 2),
    ],
)
def test_total_of_the_api_is_counted_up_to_its_limit_with_words_only(
    api: APIClient, alice: User, query: str, total: int
) -> None:
    fill(alice, MOST_COUNTED + 1)
    for status in (Status.FAILED, Status.CANCELLED, Status.RUNNING, Status.QUEUED, Status.QUEUED):
        add(alice, status)
    add(alice, Status.FAILED, deleted_at=timezone.now())
    answer = api.get(f"/api/videos{query}").json()
    assert answer["total"] == total
    assert len(answer["videos"]) == min(total, 50)
    if "q=" not in query:
        tasks = api.get(f"/api/tasks/user/tasks{query}").json()
        assert (tasks["total"], len(tasks["tasks"])) == (total, min(total, 10))


def test_lists_of_active_videos_show_only_those_of_the_user(
    api: APIClient, alice: User, bob: User
) -> None:
    own = [add(alice, status) for status in (Status.RUNNING, Status.DOWNLOADING)]
    add(bob, Status.RUNNING)
    add(alice, Status.RUNNING, deleted_at=timezone.now())
    listed = api.get("/api/videos?status=in_progress").json()
    assert [row["id"] for row in listed["videos"]] == [str(v.pk) for v in own[::-1]]
    assert listed["total"] == 2


def test_models_and_shapes_are_those_of_the_library(alice: User, bob: User) -> None:
    for model, size in (("b", "1280x720"), ("a", "720x1280"), ("b", "1280x720"), ("c", "1x1")):
        row = add(alice)
        Video.objects.filter(pk=row.pk).update(model=model, size=size)
    Video.objects.filter(model="c").update(deleted_at=timezone.now())
    Video.objects.filter(pk=add(bob).pk).update(model="d")
    assert search.models_of(alice) == {"a", "b"}
    assert search.models_of(User(username="nobody")) == set()
