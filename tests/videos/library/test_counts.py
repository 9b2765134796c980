"""The kept counts of a library equal its videos, whoever writes them and however."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits
from billing.models import AuditRun
from tests import migrated
from tests.concurrency import run_concurrently
from tests.conftest import create_user
from tests.videos.conftest import order, reloaded
from videos.jobs import orders, removal, rescue, state_machine
from videos.library import collections, counts
from videos.models import LibraryCounts, Video
from videos.reports import refund_audit

Status = Video.Status


def kept(user: User) -> dict[str, int]:
    """The counts of the pages, but those that are 0."""
    found = counts.counts_of(user)
    return {name: n for name in counts.COUNTED if (n := getattr(found, name))}


def add(user: User, status: str = Status.QUEUED, **fields: Any) -> Video:
    """Write a video as no part of the product does, in one statement."""
    row = Video(
        user=user, operation="text", prompt="A boat", model="sora-2", size="1280x720", seconds=4,
        credits=0, engine="sandbox", status=status, file="a.mp4", created_at=timezone.now(),
        deadline_at=timezone.now(), **fields,
    )  # fmt: skip
    row.save(force_insert=True)
    return row


def to_running(video: Video) -> None:
    for status in (Status.SUBMITTING, Status.RUNNING):
        assert state_machine.move(video, status, fenced=False)


def to_succeeded(video: Video) -> None:
    to_running(video)
    assert state_machine.move(video, Status.DOWNLOADING, fenced=False)
    now = timezone.now()
    assert state_machine.move(video, Status.SUCCEEDED, fenced=False, file="a.mp4", completed_at=now)


def to_failed(video: Video) -> None:
    assert state_machine.end(video, Status.FAILED, fenced=False)


def to_rescued(video: Video) -> None:
    to_failed(video)
    later = timezone.now() + timedelta(days=1)
    rows = Video.objects.filter(pk=video.pk)
    rows.update(needs_cleanup=True, result_kept_until=later)
    rescue.request(reloaded(video))
    assert state_machine.rescue(reloaded(video), file="a.mp4")


def to_retried(video: Video) -> None:
    to_failed(video)
    orders.retry(orders.retry(reloaded(video)) and reloaded(video))


def to_deleted(video: Video) -> None:
    to_succeeded(video)
    collections.toggle_favourite(reloaded(video))
    removal.delete(reloaded(video), undo=True)


def to_restored(video: Video) -> None:
    to_deleted(video)
    removal.restore(reloaded(video))


# What happens to one ordered video, and what its owner's library then has.
HISTORIES: dict[Callable[[Video], object], dict[str, int]] = {
    lambda _video: None: {"active": 1},
    to_running: {"active": 1},
    to_succeeded: {"succeeded": 1},
    to_failed: {"failed": 1, "attention": 1},
    lambda video: state_machine.end(video, Status.TIMEOUT, fenced=False): {
        "timeout": 1,
        "attention": 1,
    },
    state_machine.cancel: {"cancelled": 1},
    to_rescued: {"succeeded": 1},
    to_retried: {"failed": 1, "active": 2},
    collections.toggle_favourite: {"active": 1, "favourites": 1},
    removal.delete: {},
    to_deleted: {},
    to_restored: {"succeeded": 1, "favourites": 1},
}


@pytest.mark.parametrize(("history", "library"), HISTORIES.items())
def test_counts_follow_what_happens_to_a_video(
    alice: User, bob: User, history: Callable[[Video], object], library: dict[str, int]
) -> None:
    order(bob)
    history(order(alice))
    assert kept(alice) == library
    assert kept(bob) == {"active": 1}
    assert list(counts.wrong_counts()) == []


def test_counts_stay_right_when_any_state_follows_any_other(alice: User) -> None:
    row = add(alice)
    expected = dict.fromkeys(counts.COUNTED, 0)
    for before in Status:
        for after in Status:
            Video.objects.filter(pk=row.pk).update(status=before)
            Video.objects.filter(pk=row.pk).update(status=after)
            now = {"active" if after in Video.ACTIVE else after.value: 1}
            now |= {"attention": 1} if after in (Status.FAILED, Status.TIMEOUT) else {}
            assert {**expected, **now} == {n: getattr(counts.counts_of(alice), n) for n in expected}


def test_all_rows_of_one_statement_are_counted(alice: User, bob: User) -> None:
    rows = [Video(**_columns(add(user, status))) for user in (alice, bob) for status in Status]
    Video.objects.bulk_create(rows)
    assert kept(alice) == kept(bob) == {
        "active": 10, "succeeded": 2, "failed": 2, "cancelled": 2, "timeout": 2, "attention": 4,
    }  # fmt: skip
    Video.objects.update(status=Status.FAILED, favourited_at=timezone.now())
    assert kept(alice) == kept(bob) == {"failed": 18, "attention": 18, "favourites": 18}
    Video.objects.filter(user=bob).update(deleted_at=timezone.now())
    Video.objects.filter(user=alice).delete()
    assert (kept(alice), kept(bob)) == ({}, {})


def test_a_video_retried_twice_in_one_statement_needs_attention_no_longer(alice: User) -> None:
    failed = add(alice, Status.FAILED)
    retries = [Video(**{**_columns(add(alice)), "retry_of_id": failed.pk}) for _ in range(2)]
    Video.objects.bulk_create(retries)
    assert kept(alice) == {"failed": 1, "active": 4}
    Video.objects.filter(retry_of=failed).delete()
    assert kept(alice) == {"failed": 1, "active": 2, "attention": 1}


def _columns(row: Video) -> dict[str, Any]:
    """The columns of a new row like this one."""
    own = {field.attname: getattr(row, field.attname) for field in Video._meta.concrete_fields}
    return {**own, "id": uuid4()}


@pytest.fixture
def users(db: None) -> tuple[User, User]:
    return create_user("carol"), create_user("dave")


@pytest.mark.parametrize("seed", range(6))
def test_counts_equal_the_videos_after_any_writes(users: tuple[User, User], seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(25):
        rows = list(Video.objects.filter(user__in=users))
        _write(draw, users, rows)
    assert list(counts.wrong_counts()) == []


def _write(draw: random.Random, users: tuple[User, User], rows: list[Video]) -> None:
    """Insert, change or delete some rows by one statement."""
    chosen = Video.objects.filter(pk__in=[row.pk for row in rows if draw.random() < 0.3])
    at = draw.choice([None, timezone.now()])
    match draw.randrange(5):
        case 0 | 1:
            of = draw.choice(rows) if rows and draw.random() < 0.5 else None
            owner = of.user if of else draw.choice(users)
            add(owner, draw.choice(list(Status)), retry_of=of, favourited_at=at)
        case 2:
            chosen.update(status=draw.choice(list(Status)), favourited_at=at)
        case 3:
            chosen.update(deleted_at=at)
        case 4:
            chosen.filter(retries=None).delete()


def test_no_trigger_is_lost_when_every_migration_has_run(tmp_path: Path) -> None:
    """SQLite builds a table anew for some changes, and loses its triggers."""
    migrated.copy_to(tmp_path)
    with closing(sqlite3.connect(tmp_path / migrated.NAME)) as database:
        found = database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'videos_video'"
        )
        names = sorted(name for (name,) in found)
    assert names == [
        "videos_video_counted_delete",
        "videos_video_counted_insert",
        "videos_video_counted_update",
        "videos_video_prompt_delete",
        "videos_video_prompt_insert",
        "videos_video_prompt_update",
        "videos_video_usage_delete",
        "videos_video_usage_insert",
        "videos_video_usage_update",
    ]


def test_poll_writes_no_counts(alice: User, django_assert_num_queries: Any) -> None:
    row = add(alice, Status.RUNNING, lease=uuid4())
    LibraryCounts.objects.filter(user=alice).delete()
    assert state_machine.record_polls([(row, 5)]) == {row.pk}
    Video.objects.filter(pk=row.pk).update(status=Status.DOWNLOADING)
    assert not LibraryCounts.objects.filter(user=alice).exists()


@pytest.mark.django_db(transaction=True)
def test_counts_stay_right_when_everything_happens_at_once() -> None:
    user = create_user("carol")
    credits.grant(user, 1000, credits.Kind.EARNED, "gift", expires_at=None)
    rows = [order(user) for _ in range(4)]
    calls: list[Callable[[], object]] = [
        partial(removal.delete_all, rows[:2]),
        partial(removal.delete_all, rows[1::-1]),
        partial(state_machine.end, rows[2], Status.FAILED, fenced=False),
        partial(order, user),
        *(partial(collections.toggle_favourite, row) for row in rows),
    ]
    raised = [one for one in run_concurrently(calls) if isinstance(one, Exception)]
    assert raised == []
    assert kept(user) == {"active": 2, "failed": 1, "attention": 1, "favourites": 2}
    assert list(counts.wrong_counts()) == []


def test_audit_counts_a_library_again_when_its_counts_are_wrong(alice: User, bob: User) -> None:
    order(alice)
    order(bob)
    LibraryCounts.objects.filter(user=alice).update(active=7)
    LibraryCounts.objects.filter(user=bob).delete()
    both = {alice.pk, bob.pk}
    assert set(counts.wrong_counts()) == both
    run: AuditRun = refund_audit.run_audit().audit_run
    said = {f"the library of user {pk} was counted wrongly: counted again" for pk in both}
    assert (run.problems, set(run.repaired)) == ([], said)
    assert (kept(alice), kept(bob)) == ({"active": 1}, {"active": 1})


@pytest.mark.parametrize(
    ("statuses", "number", "queries"),
    [
        ((), 9, 1),
        ((Status.SUCCEEDED,), 1, 1),
        (Video.LOST, 3, 1),
        (Video.ACTIVE, 5, 1),
        ((*Video.ACTIVE, Status.FAILED), 6, 1),
        ((Status.QUEUED, Status.FAILED), 2, 1),
        (Video.RENDERING, 2, 1),
    ],
)
def test_number_with_a_status_is_known(
    alice: User, django_assert_num_queries: Any, statuses: Any, number: int, queries: int
) -> None:
    for status in Status:
        add(alice, status)
    with django_assert_num_queries(queries):
        assert counts.number_with(alice, statuses) == number
