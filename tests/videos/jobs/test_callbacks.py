"""POST /api/videos/sora/callback: a signed callback with the video's token wakes the video."""

import itertools
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
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from billing.ledger import credits, invariants
from tests.billing.conftest import grant_credits
from tests.concurrency import run_concurrently
from tests.racers import racers
from tests.videos import kie
from tests.videos.conftest import claimed, make_due, order, reloaded, running
from videos import tasks
from videos.engines import base
from videos.engines.base import Job, JobState
from videos.engines.errors import Refused, Unavailable
from videos.jobs import callbacks, state_machine
from videos.jobs.worker import claim, execute, settle
from videos.models import EngineCallback, Video

ROUNDS = int(os.environ.get("CALLBACK_ROUNDS", "12"))
REFUSED = (401, {"detail": "Not authenticated"})
NOT_FOUND = (404, {"detail": "Resource not found"})
ENGINES = {"kie": kie.config("http://127.0.0.1:9")}


@pytest.fixture(autouse=True)
def _kie_engine(settings: LazySettings) -> None:
    settings.ENGINES = ENGINES
    base.get.cache_clear()


@pytest.fixture
def video(alice: User) -> Video:
    return running(order(alice), poll_after=60.0)


def accepted(video: Video, message: str = "Task completed successfully") -> tuple[int, Any]:
    return 200, {"success": True, "message": message, "task_id": str(video.pk)}


def due_in(video: Video) -> float:
    due = reloaded(video).next_step_at
    assert due
    return (due - timezone.now()).total_seconds()


def post(address: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, Any]:
    client = Client(raise_request_exception=False, headers=headers or {})
    answer = client.post(address, body, content_type="application/json")
    return answer.status_code, answer.json()


def test_next_poll_is_due_when_a_signed_callback_arrives(video: Video) -> None:
    assert due_in(video) > 50
    assert kie.call(video, video.engine_job_id) == accepted(video)
    assert due_in(video) <= 0


def test_callback_names_the_engines_own_id_when_the_stored_one_has_more(video: Video) -> None:
    job = video.engine_job_id
    Video.objects.filter(pk=video.pk).update(engine_job_id=f"{job}#an/app")
    assert kie.call(video, job) == accepted(video)
    assert due_in(video) <= 0
    later = timezone.now() + timedelta(minutes=1)
    Video.objects.filter(pk=video.pk).update(next_step_at=later, woken_at=None)
    callbacks.wake_for_early_callbacks(reloaded(video))
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
def test_video_is_unchanged_when_a_callback_reports_its_end(
    video: Video, alice: User, state: str, message: str
) -> None:
    assert kie.call(video, video.engine_job_id, state) == accepted(video, message)
    stored = reloaded(video)
    assert (stored.status, stored.progress, credits.available(alice)) == ("running", 0, 80)


def test_task_id_is_read_from_every_documented_field(video: Video) -> None:
    job = video.engine_job_id
    for body in (
        b'{"data": {"task_id": "%s"}}',
        b'{"taskId": "%s"}',
        b'{"taskId": "%s", "data": 7}',
    ):
        answer = post(kie.address_of(video), body % job.encode(), kie.signed(job))
        assert answer == accepted(video, "Task notification received")


def test_callback_is_refused_when_its_signature_is_invalid(video: Video) -> None:
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
    assert answers == [REFUSED] * len(forged)
    assert EngineCallback.objects.count() == 0
    assert due_in(video) > 50


def test_callback_is_accepted_by_its_token_when_no_key_is_configured(
    video: Video, settings: LazySettings
) -> None:
    settings.ENGINES = {"kie": kie.config("http://127.0.0.1:9", callback_secret="")}
    base.get.cache_clear()
    assert kie.call(video, video.engine_job_id, headers={}) == accepted(video)
    assert due_in(video) <= 0


def test_callback_without_token_is_refused_when_no_key_is_configured(
    video: Video, settings: LazySettings
) -> None:
    settings.ENGINES = {"kie": kie.config("http://127.0.0.1:9", callback_secret="")}
    base.get.cache_clear()
    body = kie.notice(video.engine_job_id)
    assert post("/api/webhooks/kie", body, {}) == REFUSED
    assert EngineCallback.objects.count() == 0


def test_callback_is_not_found_when_it_names_another_task(video: Video) -> None:
    assert kie.call(video, "task_of_somebody") == NOT_FOUND
    assert EngineCallback.objects.count() == 0
    assert due_in(video) > 50


def test_callback_is_not_found_when_its_video_or_engine_is_gone(
    video: Video, settings: LazySettings
) -> None:
    gone = Video(pk=order(video.user, "Gone").pk)
    Video.objects.filter(pk=gone.pk).update(engine="removed")
    assert kie.call(gone, "task_1") == NOT_FOUND


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{", b"{}", b'{"data": []}', b'{"data": {"taskId": 7}}', b"\xff",
     b'{"data": {"taskId": "a/b"}}', b'{"data": {"taskId": "a\\u0000"}}', b"[" * 100_000,
     b'{"data": {"taskId": "t", "costTime": 1e400}}'],
)  # fmt: skip
def test_callback_is_refused_when_it_names_no_task(video: Video, body: bytes) -> None:
    answer = post(kie.address_of(video), body, kie.signed("t"))
    assert answer == (400, {"detail": "The body could not be read."})


def test_callback_is_refused_when_its_body_is_too_large(video: Video) -> None:
    body = kie.notice(video.engine_job_id, more="x" * 300_000)
    answer = post(kie.address_of(video), body, kie.signed(video.engine_job_id))
    assert answer == (413, {"detail": "Payload too large"})


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
def test_callback_is_refused_when_the_method_is_not_post(video: Video, method: str) -> None:
    answer = getattr(Client(), method)(kie.address_of(video))
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_callback_is_stored_once_when_it_is_repeated(video: Video) -> None:
    answers = [kie.call(video, video.engine_job_id) for _ in range(3)]
    kie.call(video, video.engine_job_id, "fail")
    assert answers == [accepted(video)] * 3
    stored = EngineCallback.objects.values_list("engine", "event_key", "video")
    assert sorted(stored) == [
        ("kie", f"{video.engine_job_id}:failed", video.pk),
        ("kie", f"{video.engine_job_id}:succeeded", video.pk),
    ]


def test_polled_state_wins_when_callbacks_contradict_each_other(video: Video, alice: User) -> None:
    for state in ("success", "fail", "success", "waiting"):
        kie.call(video, video.engine_job_id, state)
    settle.settle([(claimed(video), Job(video.engine_job_id, JobState.RUNNING, 40))])
    stored = reloaded(video)
    assert (stored.status, stored.progress, credits.available(alice)) == ("running", 40, 80)


def test_callback_changes_nothing_when_the_video_has_ended(video: Video, alice: User) -> None:
    state_machine.cancel(video)
    assert kie.call(video, video.engine_job_id) == accepted(video)
    stored = reloaded(video)
    assert (stored.status, credits.available(alice), invariants.problems()) == (
        "cancelled",
        100,
        [],
    )


def test_early_callback_wakes_the_video_when_its_job_is_known(alice: User) -> None:
    held = claimed(order(alice))
    assert kie.call(held, "task_1") == accepted(held)
    settle.settle([(held, Job("task_1", JobState.QUEUED, poll_after=60.0))])
    assert reloaded(held).status == "running"
    assert due_in(held) <= 0


def test_early_callback_does_not_wake_the_video_when_its_job_is_another(alice: User) -> None:
    held = claimed(order(alice))
    kie.call(held, "task_9")
    settle.settle([(held, Job("task_1", JobState.QUEUED, poll_after=60.0))])
    assert due_in(held) > 50


def test_search_is_due_at_once_when_a_lost_order_calls_back(alice: User) -> None:
    held = claimed(order(alice))
    settle.settle([(held, Unavailable("no answer", maybe_accepted=True))])
    Video.objects.update(next_step_at=timezone.now() + timedelta(hours=1))
    assert kie.call(held, "task_1") == accepted(held)
    assert due_in(held) <= 0
    looking = claimed(held)
    assert execute.render_request(looking).callback_job_ids == ("task_1",)


def test_early_callbacks_are_refused_when_too_many_are_stored(alice: User) -> None:
    held = claimed(order(alice))
    answers = [kie.call(held, f"task_{n}")[0] for n in range(callbacks.MAX_EARLY_CALLBACKS + 5)]
    assert answers == [200] * callbacks.MAX_EARLY_CALLBACKS + [404] * 5
    assert EngineCallback.objects.count() == callbacks.MAX_EARLY_CALLBACKS


def test_callbacks_are_deleted_when_they_are_old(video: Video) -> None:
    kie.call(video, video.engine_job_id, "waiting")
    EngineCallback.objects.update(received_at=timezone.now() - callbacks.KEEP_FOR * 2)
    kie.call(video, video.engine_job_id)
    tasks.delete_expired()
    assert [event.event_key for event in EngineCallback.objects.all()] == [
        f"{video.engine_job_id}:succeeded"
    ]


def test_callback_url_is_unique_and_constant_for_each_video(alice: User) -> None:
    first, second = order(alice, "1"), order(alice, "2")
    assert callbacks.url_of(first) == callbacks.url_of(reloaded(first))
    assert callbacks.url_of(first) != callbacks.url_of(second)


# ---- concurrency ----


def settle_one(held: Video, result: Job | Refused) -> None:
    settle.settle([(held, result)])


def poll_with(video: Video, result: Job) -> Callable[[], None]:
    """Return a function that polls a video as a worker does, with this answer."""

    def poll() -> None:
        make_due(video)
        settle.settle(
            [
                (claimed_video, result)
                for claimed_video in claim.claim_due(1)
                if claimed_video.pk == video.pk
            ]
        )

    return poll


@pytest.mark.django_db(transaction=True)
def test_credits_are_refunded_once_when_callbacks_cancels_and_polls_coincide(alice: User) -> None:
    """Set CALLBACK_ROUNDS=200 for many rounds."""
    grant_credits(alice, 20 * ROUNDS)
    for n in range(ROUNDS):
        video = running(order(alice, f"Boat {n}"), poll_after=60.0)
        before, job = credits.available(alice), video.engine_job_id
        failure = Job(job, JobState.FAILED, failure=Refused("It broke.", code="internal_error"))
        calls: list[Callable[[], Any]] = [
            partial(kie.call, video, job, "success"),
            partial(kie.call, video, job, "fail"),
            partial(kie.call, video, job, "success"),
            poll_with(video, failure),
            partial(state_machine.cancel, video),
        ]
        random.shuffle(calls)
        results = run_concurrently(calls)
        stored = reloaded(video)
        assert stored.status in {"failed", "cancelled"}, results
        assert credits.available(alice) == before + 20
        assert stored.events.filter(status__in=("failed", "cancelled")).count() == 1
        assert EngineCallback.objects.filter(engine_job_id=job).count() == 2
    assert invariants.problems() == []


def call_of_engine(video: Video, state: str) -> None:
    assert kie.call(video, video.engine_job_id, state)[0] == 200


def poll_until_it_ends(video: Video) -> None:
    failure = Refused("It broke.", code="internal_error")
    give_up = time.monotonic() + 60
    while reloaded(video).is_active:
        assert time.monotonic() < give_up
        held = [claimed_video for claimed_video in claim.claim_due(100) if claimed_video.is_active]
        settle.settle([(v, Job(v.engine_job_id, JobState.FAILED, failure=failure)) for v in held])
        time.sleep(0.002)


def cancel_when_it_is_woken(video: Video) -> None:
    give_up = time.monotonic() + 60
    while not reloaded(video).woken_at:
        assert time.monotonic() < give_up
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.03))
    with suppress(state_machine.NotPossible):
        state_machine.cancel(video)


# One for each thread of a racing process.
ROLES: list[Callable[[Video], None]] = [
    partial(call_of_engine, state="success"),
    partial(call_of_engine, state="fail"),
    poll_until_it_ends,
    poll_until_it_ends,
    cancel_when_it_is_woken,
]
_turns = itertools.count()


def play_a_role(video_id: str) -> None:
    """Called by each thread of the racing processes."""
    django_settings.ENGINES = ENGINES
    django_settings.ALLOWED_HOSTS = ["testserver"]
    ROLES[next(_turns) % len(ROLES)](Video.objects.get(pk=video_id))


@pytest.mark.django_db(transaction=True)
def test_credits_are_refunded_once_when_several_processes_do_the_same(alice: User) -> None:
    """Set CALLBACK_ROUNDS=200 for many rounds."""
    grant_credits(alice, 20 * ROUNDS)
    before = credits.available(alice)
    videos = [running(order(alice, f"Boat {n}"), poll_after=600.0) for n in range(ROUNDS)]
    with racers(2) as team:
        for video in videos:
            outcomes = team.race("tests.videos.jobs.test_callbacks:play_a_role", str(video.pk))
            assert outcomes == ["ok"] * (2 * len(ROLES))
    ended = [reloaded(video) for video in videos]
    assert {video.status for video in ended} <= {"failed", "cancelled"}
    counts = [v.events.filter(status__in=("failed", "cancelled")).count() for v in ended]
    assert counts == [1] * ROUNDS
    assert (credits.available(alice), invariants.problems()) == (before, [])
    assert EngineCallback.objects.count() == 2 * ROUNDS


@pytest.mark.django_db(transaction=True)
def test_callback_is_not_lost_when_it_arrives_with_the_answer_to_its_order(alice: User) -> None:
    grant_credits(alice, 20 * ROUNDS)
    for n in range(ROUNDS):
        held = claimed(order(alice, f"Boat {n}"))
        answer = Job(f"task_{n}", JobState.QUEUED, poll_after=60.0)
        results = run_concurrently(
            [partial(settle_one, held, answer), partial(kie.call, held, f"task_{n}")]
        )
        assert results == [None, accepted(held)]
        assert due_in(held) <= 0
