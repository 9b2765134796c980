"""The sums of ended videos equal the videos, whoever writes them and however."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries

from accounts.auth import api_keys
from accounts.models import ApiKey, User
from tests.conftest import create_user
from tests.videos.conftest import order
from tests.videos.library.test_counts import HISTORIES, add
from videos.jobs import state_machine
from videos.models import DailyUsage, Video
from videos.reports import daily_usage, refund_audit

Status = Video.Status
START = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("history", HISTORIES)
def test_sums_follow_what_happens_to_a_video(alice: User, history: Any) -> None:
    history(order(alice))
    assert list(daily_usage.wrong_users()) == []
    ended = Video.objects.exclude(status__in=Video.ACTIVE).count()
    assert sum(DailyUsage.objects.values_list("videos", flat=True)) == ended


@pytest.fixture
def users(db: None) -> tuple[User, User]:
    return create_user("carol"), create_user("dave")


def written(users: tuple[User, User], draw: random.Random) -> None:
    """Insert, change and delete videos by many single statements."""
    keys = [api_keys.issue(user, "One", ["read"])[0].pk for user in users]
    for _ in range(40):
        chosen = [pk for pk in Video.objects.values_list("pk", flat=True) if draw.random() < 0.3]
        rows = Video.objects.filter(pk__in=chosen)
        # Whole milliseconds, because SQLite knows nothing shorter.
        at = START + timedelta(milliseconds=draw.randrange(99 * 3_600_000))
        ended = at + timedelta(milliseconds=draw.randrange(10**7))
        match draw.randrange(6):
            case 0 | 1 | 2:
                for _ in range(4):
                    row = add(draw.choice(users), draw.choice(list(Status)), completed_at=ended)
                    Video.objects.filter(pk=row.pk).update(
                        created_at=at, model=draw.choice("ab"), api_key=draw.choice([None, *keys])
                    )
            case 3:
                rows.update(status=draw.choice(list(Status)), credits=draw.randrange(9))
            case 4:
                rows.update(completed_at=ended, deleted_at=ended, operation="remix")
            case 5:
                Video.objects.filter(pk__in=chosen[:3]).delete()
    ApiKey.objects.filter(pk=keys[1]).delete()
    # Only such videos are active, everywhere else too.
    Video.objects.filter(status__in=Video.ACTIVE).update(completed_at=None)


def added_up(user: User, first: datetime) -> Counter[tuple[Any, ...]]:
    """Add up a user's videos one by one."""
    found: Counter[tuple[Any, ...]] = Counter()
    for row in Video.objects.filter(user=user, created_at__gte=first).select_related("api_key"):
        key = (row.model, row.operation, row.api_key.name if row.api_key else None, row.status)
        ended = row.completed_at or row.created_at
        waited = (ended - row.created_at) // timedelta(microseconds=1)
        each = {"videos": 1, "seconds": row.seconds, "credits": row.credits, "waited": waited}
        found.update({(*key, name): number for name, number in each.items()})
    return +found


@pytest.mark.parametrize("seed", range(4))
def test_groups_equal_the_videos_after_any_writes(
    users: tuple[User, User], seed: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    written(users, random.Random(seed))
    assert list(daily_usage.wrong_users()) == []
    for user in users:
        for zone in ("UTC", "Asia/Kathmandu", "America/New_York"):
            first = START.replace(tzinfo=ZoneInfo(zone)) + timedelta(days=1)
            with django_assert_num_queries(1):
                groups = daily_usage.groups_since(user, first)
            found: Counter[tuple[Any, ...]] = Counter()
            for one in groups:
                key = (one.model, one.operation, one.api_key_name, one.status)
                for name in ("videos", "seconds", "credits", "waited"):
                    found[*key, name] += getattr(one, name) or 0
                    assert type(getattr(one, name)) is int
            assert +found == added_up(user, first)
            assert found


def test_poll_writes_no_sums(alice: User) -> None:
    row = add(alice, Status.RUNNING, lease=uuid4())
    add(alice, Status.SUCCEEDED)
    DailyUsage.objects.update(videos=7)
    assert state_machine.record_polls([(row, 5)]) == {row.pk}
    Video.objects.filter(pk=row.pk).update(status=Status.DOWNLOADING)
    assert list(DailyUsage.objects.values_list("videos", flat=True)) == [7]


def test_audit_adds_up_again_when_sums_are_wrong(alice: User, bob: User) -> None:
    for user in (alice, bob, create_user("carol")):
        add(user, Status.FAILED, completed_at=timezone.now())
    DailyUsage.objects.filter(user=alice).update(waited=-1)
    DailyUsage.objects.filter(user=bob).delete()
    both = {alice.pk, bob.pk}
    assert set(daily_usage.wrong_users()) == both
    run = refund_audit.run_audit().audit_run
    said = {f"the videos of user {pk} were added up wrongly: added up again" for pk in both}
    assert set(run.repaired) == said
    assert list(daily_usage.wrong_users()) == []
