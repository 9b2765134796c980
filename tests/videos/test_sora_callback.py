"""POST /api/videos/sora/callback: a bell for whoever holds the video's token and signs."""

import multiprocessing
import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, invariants
from tests.billing.conftest import grant_credits
from tests.concurrency import run_concurrently
from tests.videos import kie
from tests.videos.conftest import claimed, make_due, now_of, order, running
from videos.engines import base
from videos.engines.base import Job, JobState
from videos.engines.errors import Refused, Unavailable
from videos.jobs import callbacks, state_machine
from videos.jobs.worker import claim, execute, settle
from videos.models import EngineCallback, Video

ROUNDS = int(os.environ.get("CALLBACK_ROUNDS", "12"))
FORGED = (401, {"detail": "Not authenticated"})
UNKNOWN = (404, {"detail": "Resource not found"})


@pytest.fixture(autouse=True)
def there(settings: LazySettings) -> None:
    settings.ENGINES = {"kie": kie.config("http://127.0.0.1:9")}
    base.get.cache_clear()


@pytest.fixture
def video(alice: User) -> Video:
    return running(order(alice), poll_after=60.0)


def taken(video: Video, message: str = "Task completed successfully") -> tuple[int, Any]:
    return 200, {"success": True, "message": message, "task_id": str(video.pk)}


def due_in(video: Video) -> float:
    due = now_of(video).next_step_at
    assert due
    return (due - timezone.now()).total_seconds()


def post(address: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    client = Client(raise_request_exception=False, headers=headers or {})
    answer = client.post(address, body, content_type="application/json")
    return answer.status_code, answer.json()


def test_the_next_look_is_immediate_when_a_genuine_call_comes(video: Video) -> None:
    assert due_in(video) > 50
    assert kie.call(video, video.engine_job_id) == taken(video)
    assert due_in(video) <= 0


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("success", "Task completed successfully"),
        ("fail", "Task failure received"),
        ("waiting", "Task notification received"),
        ("dancing", "Task notification received"),
    ],
)
def test_the_body_alone_moves_nothing(video: Video, alice: User, state: str, message: str) -> None:
    assert kie.call(video, video.engine_job_id, state) == taken(video, message)
    stored = now_of(video)
    assert (stored.status, stored.progress, credits.available(alice)) == ("running", 0, 80)


def test_the_task_is_known_wherever_it_is_named(video: Video) -> None:
    job = video.engine_job_id
    for body in (
        b'{"data": {"task_id": "%s"}}',
        b'{"taskId": "%s"}',
        b'{"taskId": "%s", "data": 7}',
    ):
        answer = post(kie.address_of(video), body % job.encode(), kie.signed(job))
        assert answer == taken(video, "Task notification received")


def test_refused_when_it_is_forged(video: Video) -> None:
    job, address = video.engine_job_id, kie.address_of(video)
    body, good = kie.notice(job), kie.signed(job)
    path, _, token = address.partition("=")
    other = kie.address_of(order(video.user, "Another")).partition("=")[2]
    forged = [
        (address, {}),
        (address, kie.signed(job, "another-secret")),
        (address, kie.signed("another-task")),
        (address, {**good, "X-Webhook-Timestamp": str(int(time.time()) + 1)}),
        (address, {**good, "X-Webhook-Timestamp": "soon"}),
        (address, {**good, "X-Webhook-Timestamp": "9" * 400}),
        (address, {**good, "X-Webhook-Signature": "é"}),
        (address, {**good, "X-Webhook-Signature": "!"}),
        (address, {**good, "X-Webhook-Signature": ""}),
        (address, kie.signed(job, at=time.time() - 360)),
        (address, kie.signed(job, at=time.time() + 360)),
        (path.removesuffix("?t"), good),
        (f"{path}=", good),
        (f"{path}={token[:-1]}", good),
        (f"{path}={other.partition('.')[0]}.{token.partition('.')[2]}", good),
        (f"{path}={video.pk.hex}", good),
        (f"{path}=%00", good),
        (f"{path}=%ED%A0%80", good),
    ]
    answers = [post(where, body, headers) for where, headers in forged]
    assert answers == [FORGED] * len(forged)
    assert EngineCallback.objects.count() == 0
    assert due_in(video) > 50


def test_the_token_is_enough_when_no_key_is_configured(
    video: Video, settings: LazySettings
) -> None:
    settings.ENGINES = {"kie": kie.config("http://127.0.0.1:9", callback_secret="")}
    base.get.cache_clear()
    assert kie.call(video, video.engine_job_id, headers={}) == taken(video)
    assert due_in(video) <= 0


def test_without_a_key_the_address_that_anybody_knows_takes_nothing(
    video: Video, settings: LazySettings
) -> None:
    settings.ENGINES = {"kie": kie.config("http://127.0.0.1:9", callback_secret="")}
    base.get.cache_clear()
    body = kie.notice(video.engine_job_id)
    assert post("/api/webhooks/kie", body, {}) == FORGED
    assert EngineCallback.objects.count() == 0


def test_not_found_when_it_names_another_task(video: Video) -> None:
    assert kie.call(video, "task_of_somebody") == UNKNOWN
    assert EngineCallback.objects.count() == 0
    assert due_in(video) > 50


def test_not_found_when_its_video_or_its_engine_is_gone(
    video: Video, settings: LazySettings
) -> None:
    gone = Video(pk=order(video.user, "Gone").pk)
    Video.objects.filter(pk=gone.pk).update(engine="removed")
    assert kie.call(gone, "task_1") == UNKNOWN


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"{}", b'{"data": []}', b'{"data": {"taskId": 7}}', b"\xff",
     b'{"data": {"taskId": "a/b"}}', b'{"data": {"taskId": "a\\u0000"}}', b"[" * 100_000,
     b'{"data": {"taskId": "t", "costTime": 1e400}}'],
)  # fmt: skip
def test_refused_when_it_names_no_task(video: Video, body: bytes) -> None:
    answer = post(kie.address_of(video), body, kie.signed("t"))
    assert answer == (400, {"detail": "The body could not be read."})


def test_refused_when_it_is_oversized(video: Video) -> None:
    body = kie.notice(video.engine_job_id, more="x" * 300_000)
    answer = post(kie.address_of(video), body, kie.signed(video.engine_job_id))
    assert answer == (413, {"detail": "Payload too large"})


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_refused_when_it_is_not_a_post(video: Video, method: str) -> None:
    answer = getattr(Client(), method)(kie.address_of(video))
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_stored_once_when_it_is_said_again(video: Video) -> None:
    answers = [kie.call(video, video.engine_job_id) for _ in range(3)]
    kie.call(video, video.engine_job_id, "fail")
    assert answers == [taken(video)] * 3
    stored = EngineCallback.objects.values_list("engine", "event_key", "video")
    assert sorted(stored) == [
        ("kie", f"{video.engine_job_id}:failed", video.pk),
        ("kie", f"{video.engine_job_id}:succeeded", video.pk),
    ]


def test_the_truth_wins_when_the_calls_contradict_each_other(video: Video, alice: User) -> None:
    for state in ("success", "fail", "success", "waiting"):
        kie.call(video, video.engine_job_id, state)
    settle.settle([(claimed(video), Job(video.engine_job_id, JobState.RUNNING, 40))])
    stored = now_of(video)
    assert (stored.status, stored.progress, credits.available(alice)) == ("running", 40, 80)


def test_harmless_when_it_comes_after_the_end(video: Video, alice: User) -> None:
    state_machine.cancel(video)
    assert kie.call(video, video.engine_job_id) == taken(video)
    stored = now_of(video)
    assert (stored.status, credits.available(alice), invariants.problems()) == (
        "cancelled",
        100,
        [],
    )


def test_it_rings_once_the_job_is_known_when_it_came_early(alice: User) -> None:
    held = claimed(order(alice))
    assert kie.call(held, "task_1") == taken(held)
    settle.settle([(held, Job("task_1", JobState.QUEUED, poll_after=60.0))])
    assert now_of(held).status == "running"
    assert due_in(held) <= 0


def test_it_does_not_ring_for_a_job_that_turned_out_to_be_another(alice: User) -> None:
    held = claimed(order(alice))
    kie.call(held, "task_9")
    settle.settle([(held, Job("task_1", JobState.QUEUED, poll_after=60.0))])
    assert due_in(held) > 50


def test_a_lost_order_is_looked_for_at_once_when_it_calls_back(alice: User) -> None:
    held = claimed(order(alice))
    settle.settle([(held, Unavailable("no answer", maybe_accepted=True))])
    Video.objects.update(next_step_at=timezone.now() + timedelta(hours=1))
    assert kie.call(held, "task_1") == taken(held)
    assert due_in(held) <= 0
    looking = claimed(held)
    assert execute.render_request(looking).callback_job_ids == ("task_1",)


def test_the_inbox_stays_small_whoever_holds_a_token(alice: User) -> None:
    held = claimed(order(alice))
    answers = [kie.call(held, f"task_{n}")[0] for n in range(callbacks.MAX_EARLY_CALLBACKS + 5)]
    assert answers == [200] * callbacks.MAX_EARLY_CALLBACKS + [404] * 5
    assert EngineCallback.objects.count() == callbacks.MAX_EARLY_CALLBACKS


def test_old_bells_are_forgotten(video: Video) -> None:
    kie.call(video, video.engine_job_id, "waiting")
    EngineCallback.objects.update(received_at=timezone.now() - callbacks.KEEP_FOR * 2)
    kie.call(video, video.engine_job_id)
    assert [event.event_key for event in EngineCallback.objects.all()] == [
        f"{video.engine_job_id}:succeeded"
    ]


def test_every_video_has_an_address_of_its_own_that_does_not_change(alice: User) -> None:
    first, second = order(alice, "1"), order(alice, "2")
    assert callbacks.url_of(first) == callbacks.url_of(now_of(first))
    assert callbacks.url_of(first) != callbacks.url_of(second)


# ---- at once ----


def settled(held: Video, result: Job | Refused) -> None:
    settle.settle([(held, result)])


def polled(video: Video, result: Job) -> Callable[[], None]:
    """A worker's look at a video: claimed, answered, settled."""

    def look() -> None:
        make_due(video)
        settle.settle([(mine, result) for mine in claim.claim_due(1) if mine.pk == video.pk])

    return look


@pytest.mark.django_db(transaction=True)
def test_credits_move_exactly_once_when_callbacks_meet_cancels_and_looks(alice: User) -> None:
    """CALLBACK_ROUNDS=200 for the long form."""
    grant_credits(alice, 20 * ROUNDS)
    for n in range(ROUNDS):
        video = running(order(alice, f"Boat {n}"), poll_after=60.0)
        before, job = credits.available(alice), video.engine_job_id
        broke = Job(job, JobState.FAILED, failure=Refused("It broke.", code="internal_error"))
        calls: list[Callable[[], Any]] = [
            partial(kie.call, video, job, "success"),
            partial(kie.call, video, job, "fail"),
            partial(kie.call, video, job, "success"),
            polled(video, broke),
            partial(state_machine.cancel, video),
        ]
        random.shuffle(calls)
        results = run_concurrently(calls)
        stored = now_of(video)
        assert stored.status in {"failed", "cancelled"}, results
        assert credits.available(alice) == before + 20
        assert stored.events.filter(status__in=("failed", "cancelled")).count() == 1
        assert EngineCallback.objects.filter(engine_job_id=job).count() == 2
    assert invariants.problems() == []


Role = Callable[[Callable[[], object]], None]


def in_processes(roles: list[Role]) -> list[int | None]:
    """Run each role in a process of its own, all stepping together; their exit codes."""
    fork = multiprocessing.get_context("fork")
    step = fork.Barrier(len(roles))
    for close in (connection.close, getattr(connection, "close_pool", connection.close)):
        close()  # nothing of the database may be shared
    children = [fork.Process(target=role, args=(partial(step.wait, 60),)) for role in roles]
    for child in children:
        child.start()
    for child in children:
        child.join(200)
    return [child.exitcode for child in children]


@pytest.mark.django_db(transaction=True)
def test_credits_move_exactly_once_when_the_same_happens_in_several_processes(alice: User) -> None:
    """CALLBACK_ROUNDS=200 for the long form."""
    grant_credits(alice, 20 * ROUNDS)
    before = credits.available(alice)
    videos = [running(order(alice, f"Boat {n}"), poll_after=600.0) for n in range(ROUNDS)]

    def calls(state: str, step: Callable[[], object]) -> None:
        for video in videos:
            step()
            assert kie.call(video, video.engine_job_id, state)[0] == 200

    def looks(step: Callable[[], object]) -> None:
        broke = Refused("It broke.", code="internal_error")
        for video in videos:
            step()
            while now_of(video).is_active:
                held = [mine for mine in claim.claim_due(100) if mine.is_active]
                told: list[tuple[Video, execute.Result]]
                told = [(v, Job(v.engine_job_id, JobState.FAILED, failure=broke)) for v in held]
                settle.settle(told)
                time.sleep(0.002)

    def cancels(step: Callable[[], object]) -> None:
        for video in videos:
            step()
            while not now_of(video).woken_at:
                time.sleep(0.002)
            time.sleep(random.uniform(0, 0.03))
            with suppress(state_machine.NotPossible):
                state_machine.cancel(video)

    roles: list[Role] = [partial(calls, "success"), partial(calls, "fail"), looks, looks, cancels]
    assert in_processes(roles) == [0] * len(roles)
    ended = [now_of(video) for video in videos]
    assert {video.status for video in ended} <= {"failed", "cancelled"}
    counts = [v.events.filter(status__in=("failed", "cancelled")).count() for v in ended]
    assert counts == [1] * ROUNDS
    assert (credits.available(alice), invariants.problems()) == (before, [])
    assert EngineCallback.objects.count() == 2 * ROUNDS


@pytest.mark.django_db(transaction=True)
def test_no_bell_is_lost_when_it_meets_the_answer_to_its_order(alice: User) -> None:
    grant_credits(alice, 20 * ROUNDS)
    for n in range(ROUNDS):
        held = claimed(order(alice, f"Boat {n}"))
        answer = Job(f"task_{n}", JobState.QUEUED, poll_after=60.0)
        results = run_concurrently(
            [partial(settled, held, answer), partial(kie.call, held, f"task_{n}")]
        )
        assert results == [None, taken(held)]
        assert due_in(held) <= 0
