"""The video table as a queue: claims, leases, poll intervals and wakes."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, invariants
from config.lib import clock, draining
from tests.billing.conftest import grant_credits
from tests.concurrency import run_concurrently
from tests.conftest import ServerThread
from tests.videos.conftest import answered, claimed, make_due, order, reloaded, running
from videos import tasks
from videos.engines.base import Job, JobState
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    EngineError,
    Gone,
    InvalidRequest,
    NotFound,
    NotReady,
    OutOfCredit,
    RateLimited,
    Refused,
    Unavailable,
)
from videos.jobs import state_machine
from videos.jobs.worker import claim, execute, executor, settle
from videos.models import Video

Finish = Callable[[Video], Video]


def wait_of(video: Video) -> float:
    """Return the seconds until the video's next step."""
    due = reloaded(video).next_step_at
    assert due
    return (due - timezone.now()).total_seconds()


@pytest.fixture
def real_pauses(settings: LazySettings) -> None:
    settings.POLL_FIRST, settings.POLL_SLOWEST = timedelta(seconds=5), timedelta(seconds=20)


# ---- claims and leases ----


@pytest.mark.django_db(transaction=True)
def test_no_video_is_claimed_twice_when_workers_claim_at_once(alice: User) -> None:
    grant_credits(alice, 1000)
    videos = {order(alice, f"Boat {n}").pk for n in range(30)}
    taken = run_concurrently(
        [lambda: [video.pk for video in claim.claim_due(10)] for _ in range(5)]
    )
    found = [pk for batch in taken for pk in batch]
    found += [video.pk for video in claim.claim_due(100)]
    assert sorted(found) == sorted(videos)
    assert set(Video.objects.values_list("submit_count", flat=True)) == {1}


@pytest.mark.django_db(transaction=True)
def test_no_video_is_polled_twice_when_workers_claim_polls_at_once(alice: User) -> None:
    grant_credits(alice, 600)
    videos = [running(order(alice, f"Boat {n}")).pk for n in range(30)]
    Video.objects.update(next_step_at=clock.now())
    taken = run_concurrently(
        [lambda: [video.pk for video in claim.claim_polls(10, ["sandbox"])] for _ in range(5)]
    )
    found = [pk for batch in taken for pk in batch]
    found += [video.pk for video in claim.claim_polls(100, ["sandbox"])]
    assert sorted(found) == sorted(videos)


def test_polls_are_claimed_of_rendering_videos_at_these_engines_only(alice: User) -> None:
    grant_credits(alice, 600)
    first, second, elsewhere = (running(order(alice, f"Boat {n}")) for n in range(3))
    answered(running(order(alice, "is fetched")), JobState.SUCCEEDED)
    order(alice, "waits")
    now = clock.now()
    Video.objects.filter(status="running").update(next_step_at=now)
    Video.objects.filter(pk=second.pk).update(next_step_at=now - timedelta(seconds=9))
    Video.objects.filter(pk=elsewhere.pk).update(engine="another")
    (oldest,) = claim.claim_polls(1, ["sandbox"])
    (other,) = claim.claim_polls(9, ["sandbox"])
    assert (oldest.pk, other.pk) == (second.pk, first.pk)
    assert (claim.claim_polls(9, ["sandbox"]), claim.claim_polls(0, ["another"])) == ([], [])
    left = claim.claim_due(9, polled_elsewhere=["another"])
    assert sorted(video.status for video in left) == ["downloading", "submitting"]
    assert [video.pk for video in claim.claim_due(9)] == [elsewhere.pk]
    assert (reloaded(first).lease, other.lease is None) == (other.lease, False)
    assert wait_of(first) > 0


def test_recorded_polls_are_fenced_each_by_its_own_lease(alice: User) -> None:
    grant_credits(alice, 600)
    for n in range(4):
        running(order(alice, f"Boat {n}"))
    Video.objects.update(next_step_at=clock.now())
    held = claim.claim_polls(4, ["sandbox"])
    Video.objects.filter(pk=held[0].pk).update(lease=uuid4())
    state_machine.cancel(reloaded(held[1]))
    settle.settle([(v, Job(v.engine_job_id, JobState.RUNNING, progress=40)) for v in held])
    stored = [reloaded(video) for video in held]
    assert [(video.progress, video.poll_count) for video in stored] == [
        (0, 1), (0, 1), (40, 2), (40, 2),
    ]  # fmt: skip
    assert [video.lease is None for video in stored] == [False, True, True, True]


@pytest.mark.embedded
def test_no_statement_of_a_turn_reads_the_whole_table(alice: User) -> None:
    grant_credits(alice, 600)
    running(order(alice, "renders"))
    order(alice, "waits")
    Video.objects.update(next_step_at=clock.now())
    with CaptureQueriesContext(connection) as queries:
        held = [*claim.claim_polls(9, ["sandbox"]), *claim.claim_due(9)]
        settle.settle([(held[0], Job(held[0].engine_job_id, JobState.RUNNING, progress=9))])
        claim.renew_leases(held)
        claim.next_due()
    statements = [found["sql"] for found in queries if "videos_video" in found["sql"]]
    assert len(held) == 2
    assert [sql for sql in statements if reads_all(sql)] == []


def reads_all(statement: str) -> bool:
    """Whether SQLite would read every row of the videos."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}".replace("%", "%%"))
        return any(row[3] == "SCAN videos_video" for row in cursor.fetchall())


def test_longest_waiting_video_is_claimed_first(alice: User) -> None:
    first, second = order(alice, "1"), order(alice, "2")
    assert [v.pk for v in claim.claim_due(1)] == [first.pk]
    assert [v.pk for v in claim.claim_due(1)] == [second.pk]
    assert claim.claim_due(0) == []


@pytest.fixture
def stopping() -> Iterator[None]:
    """This process was told to stop."""
    draining.stopping.set()
    yield
    draining.stopping.clear()


@pytest.mark.django_db(transaction=True)
def test_nothing_is_claimed_when_the_process_stops(alice: User, stopping: None) -> None:
    video = order(alice)
    tasks.run(draining.stopping)
    assert (reloaded(video).status, reloaded(video).submit_count) == (Video.Status.QUEUED, 0)


def test_claimed_steps_are_recorded_when_the_worker_finishes(
    live: ServerThread, alice: User
) -> None:
    videos = [order(alice, f"Boat {n}") for n in range(4)]
    worker = executor.Executor(1)
    worker.turn()
    worker.finish(30)
    found = {(reloaded(video).status, reloaded(video).lease) for video in videos}
    # The last order may have become due a moment after the claim.
    assert found - {(Video.Status.QUEUED, None)} == {(Video.Status.RUNNING, None)}


def test_answer_is_not_stored_when_the_lease_was_taken_over(alice: User) -> None:
    video = running(order(alice))
    slow = claimed(video)
    quick = claimed(video)
    settle.settle([(slow, Job(video.engine_job_id, JobState.RUNNING, 90))])
    settle.settle([(slow, Job(video.engine_job_id, JobState.SUCCEEDED))])
    settle.settle([(slow, Unavailable("down"))])
    stored = reloaded(video)
    assert (stored.status, stored.progress, stored.lease) == ("running", 0, quick.lease)


def test_failure_is_not_refunded_when_the_lease_was_lost(alice: User) -> None:
    slow = claimed(running(order(alice)))
    claimed(slow)
    settle.settle([(slow, Job("x", JobState.FAILED, failure=Refused("x")))])
    assert (reloaded(slow).status, credits.available(alice)) == ("running", 80)


def test_engine_is_searched_for_the_job_when_the_worker_died_while_submitting(alice: User) -> None:
    video = order(alice)
    assert claimed(video).status == "submitting"
    assert claimed(video).status == "submit_unknown"
    assert reloaded(video).submit_count == 1


def test_lease_is_extended_when_renewed(alice: User, settings: LazySettings) -> None:
    settings.LEASE = timedelta(seconds=15)
    held = claimed(order(alice))
    make_due(held)
    claim.renew_leases([held])
    assert 14 < wait_of(held) <= 15


def test_ledger_is_balanced_when_the_same_answer_is_settled_twice(alice: User) -> None:
    held = claimed(running(order(alice)))
    failure = Refused("x")
    for _ in range(2):
        settle.settle([(held, Job("x", JobState.FAILED, failure=failure))])
    assert (credits.available(alice), invariants.problems()) == (100, [])


# ---- pauses ----


@pytest.mark.usefixtures("real_pauses")
@pytest.mark.parametrize("state", [JobState.QUEUED, JobState.RUNNING])
def test_first_poll_is_due_five_seconds_after_the_engine_took_the_job(
    alice: User, state: JobState
) -> None:
    video = order(alice)
    answered(video, state)
    assert 3.75 <= wait_of(video) <= 5


@pytest.mark.usefixtures("real_pauses")
def test_poll_interval_grows_from_five_to_twenty_seconds(alice: User) -> None:
    video = running(order(alice))
    pauses = []
    for polls in range(8):
        Video.objects.update(poll_count=polls)
        answered(video, JobState.RUNNING)
        pauses.append(wait_of(video))
    longest = [5, 7.5, 11.25, 16.875, 20, 20, 20, 20]
    wrong = [
        (pause, most)
        for pause, most in zip(pauses, longest, strict=True)
        if not most * 0.75 <= pause <= most * 1.1
    ]
    assert wrong == []


@pytest.mark.usefixtures("real_pauses")
def test_poll_intervals_differ_when_many_videos_are_polled_at_once(alice: User) -> None:
    grant_credits(alice, 1000)
    videos = [running(order(alice)) for _ in range(12)]
    assert len({round(wait_of(video), 2) for video in videos}) > 4


def test_poll_interval_is_the_engines_when_it_suggests_one(alice: User) -> None:
    video = running(order(alice), poll_after=9.0)
    assert 8 < wait_of(video) <= 9


def test_attempt_is_not_counted_when_the_engine_is_busy(alice: User) -> None:
    video = order(alice)
    settle.settle([(claimed(video), RateLimited("slow down", retry_after=7))])
    stored = reloaded(video)
    assert (stored.status, stored.attempts, stored.submit_count) == ("queued", 0, 0)
    assert 6 < wait_of(video) <= 7


def test_pause_doubles_when_the_engine_stays_down(alice: User) -> None:
    video = order(alice)
    pauses = []
    for _ in range(3):
        settle.settle([(claimed(video), Unavailable("down"))])
        pauses.append(wait_of(video))
    assert [p for p in pauses if not (1 < p < 3 or 3 < p < 5 or 6 < p < 10)] == []
    assert pauses == sorted(pauses)
    assert reloaded(video).submit_count == 0


@pytest.mark.parametrize("error", [BadAnswer("truncated"), NotReady("404"), InvalidRequest("451")])
def test_video_fails_and_is_refunded_when_the_engine_answers_without_its_file_for_long(
    alice: User, settings: LazySettings, error: EngineError
) -> None:
    settings.VIDEO_DEADLINE = timedelta(minutes=30)
    video = answered(running(order(alice)), JobState.SUCCEEDED)
    for _ in range(20):
        settle.settle([(claimed(video), error)])
    assert reloaded(video).status == "downloading"
    Video.objects.update(missing_since=clock.now() - timedelta(minutes=31))
    settle.settle([(claimed(video), error)])
    assert (reloaded(video).status, reloaded(video).failure_code) == (
        "failed",
        "result_unavailable",
    )
    assert credits.available(alice) == 100


def test_wait_for_the_file_begins_anew_when_the_engine_was_down_meanwhile(
    alice: User, settings: LazySettings
) -> None:
    settings.VIDEO_DEADLINE = timedelta(minutes=30)
    video = answered(running(order(alice)), JobState.SUCCEEDED)
    settle.settle([(claimed(video), BadAnswer("a page of the proxy"))])
    Video.objects.update(missing_since=clock.now() - timedelta(minutes=31))
    settle.settle([(claimed(video), Unavailable("down"))])
    settle.settle([(claimed(video), BadAnswer("a page of the proxy"))])
    assert reloaded(video).status == "downloading"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AuthFailed("the key was changed"), "downloading"),
        (OutOfCredit("the account is empty"), "downloading"),
        (Gone("410"), "failed"),
        (NotFound("no such job"), "failed"),
    ],
)
def test_finished_file_is_given_up_only_when_it_will_never_be_there(
    alice: User, error: EngineError, status: str
) -> None:
    video = answered(running(order(alice)), JobState.SUCCEEDED)
    settle.settle([(claimed(video), error)])
    assert reloaded(video).status == status


def test_finished_file_is_fetched_for_a_day_when_the_engine_is_down(
    alice: User, settings: LazySettings
) -> None:
    video = answered(running(order(alice)), JobState.SUCCEEDED)
    settings.VIDEO_DEADLINE = timedelta(0)
    for _ in range(30):
        settle.settle([(claimed(video), Unavailable("down"))])
    assert (reloaded(video).status, credits.available(alice)) == ("downloading", 80)
    assert 290 < wait_of(video) <= 300
    Video.objects.update(deadline_at=video.created_at)
    settle.settle([(claimed(video), Unavailable("down"))])
    ended = reloaded(video)
    assert (ended.status, ended.failure_code) == ("failed", "result_unavailable")
    assert credits.available(alice) == 100


def test_job_is_looked_for_when_the_submit_is_unanswered_after_the_deadline(alice: User) -> None:
    video = order(alice)
    held = claimed(video)
    Video.objects.update(deadline_at=video.created_at)
    held.deadline_at = video.created_at
    settle.settle([(held, Unavailable("dropped", maybe_accepted=True))])
    assert (reloaded(video).status, credits.available(alice)) == ("submit_unknown", 80)


# ---- wakes ----


def test_poll_is_due_at_once_when_the_video_is_woken(alice: User) -> None:
    video = running(order(alice), poll_after=60.0)
    state_machine.wake(video)
    assert wait_of(video) <= 0


def test_poll_is_due_at_once_when_the_video_was_woken_during_its_step(alice: User) -> None:
    video = running(order(alice))
    held = claimed(video)
    state_machine.wake(video)
    assert wait_of(video) > 0  # the lease is not cut short
    assert claim.claim_due(10) == []
    settle.settle([(held, Job(video.engine_job_id, JobState.RUNNING, poll_after=60))])
    assert wait_of(video) <= 0


def test_wake_is_cleared_when_its_step_is_done(alice: User) -> None:
    video = running(order(alice), poll_after=60.0)
    state_machine.wake(video)
    answered(video, JobState.RUNNING, poll_after=60.0)
    assert wait_of(video) > 50


def test_video_is_woken_once_a_second_when_callbacks_repeat(alice: User) -> None:
    video = running(order(alice), poll_after=60.0)
    state_machine.wake(video)
    answered(video, JobState.RUNNING, poll_after=60.0)
    state_machine.wake(video)
    assert wait_of(video) > 50


def test_wake_is_ignored_when_the_video_is_not_rendering(alice: User) -> None:
    video = order(alice)
    due = reloaded(video).next_step_at
    state_machine.wake(video)
    state_machine.cancel(video)
    state_machine.wake(video)
    assert due is not None
    assert reloaded(video).next_step_at is None


# ---- progress ----


def test_progress_does_not_decrease_when_the_engines_does(alice: User) -> None:
    video = running(order(alice))
    shown = [
        answered(video, JobState.RUNNING, progress=p).progress for p in (10, 60, 20, None, 61, 100)
    ]
    assert shown == [10, 60, 60, 60, 61, 99]


def test_video_succeeds_when_the_engines_progress_decreased(
    live: ServerThread, alice: User, finish: Finish
) -> None:
    video = finish(order(alice, "A kite [[backwards]]"))
    assert (video.status, video.progress) == ("succeeded", 100)


def test_each_update_has_its_own_sequence_number_when_several_videos_change(alice: User) -> None:
    held = [claimed(running(order(alice))) for _ in range(3)]
    before = max(reloaded(video).sequence for video in held)
    answers: list[tuple[Video, execute.Result]] = [
        (v, Job(v.engine_job_id, JobState.RUNNING, p)) for v, p in zip(held, (5, 0, 7), strict=True)
    ]
    settle.settle(answers)
    assert [reloaded(v).progress for v in held] == [5, 0, 7]
    moved = [reloaded(v).sequence for v in held if reloaded(v).sequence > before]
    assert moved == [before + 1, before + 2]
