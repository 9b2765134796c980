"""Every kind of failure at each engine: what the user reads, and that the credits come back."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from standardwebhooks import Webhook

from accounts.models import User
from billing.ledger import credits, invariants
from config.lib import clock
from tests.engine_servers import fal, gemini, replicate, runway
from tests.engine_servers.local_engines import START, WEBHOOK_SECRET, Answer, LocalEngine
from tests.videos import kie
from tests.videos.conftest import order, reloaded
from tests.videos.engines.conftest import Run, Work, configure
from videos import failures
from videos.models import Video

PAGE = "<!doctype html><title>Just a moment...</title>"
UNAVAILABLE = "The engine is not available at the moment."
NOT_ACCEPTED = "The engine did not accept the order. The cause was not your prompt."
LOST = "The engine lost this video. The cause was not your prompt."
OUT_OF_MEMORY = "The engine ran out of memory while it made this video."
REFUSED = "The engine could not process this order."
BLOCKED = "The content check stopped this prompt."
HOSTED = [kind for kind in START if kind != "comfyui"]

NO_MONEY: dict[str, Answer] = {
    "fal": fal.LOCKED,
    "replicate": replicate.NO_CREDIT,
    "gemini": gemini.error(
        429, "You exceeded your current quota.", "RESOURCE_EXHAUSTED", gemini.quota("PerDay")
    ),
    "runway": runway.NO_CREDITS,
}
BAD_ORDER: dict[str, Answer] = {
    "fal": (422, {"detail": [{"loc": ["body"], "msg": "unexpected value", "type": "one_of"}]}),
    "replicate": (422, {"title": "Input validation failed", "detail": "- input: wrong value"}),
    "gemini": gemini.error(400, "Unknown field.", "INVALID_ARGUMENT"),
    "runway": (400, {"error": "Validation of body failed"}),
    "comfyui": (400, {"error": {"type": "invalid_prompt", "message": "Cannot execute."}}),
}
BUSY: Answer = (429, {"error": "Too many requests."})


def order_at(engine: LocalEngine, user: User, prompt: str = "A paper boat") -> Video:
    return order(user, prompt, model=engine.model, seconds=engine.seconds)


def check_failed(video: Video, code: str, sentence: str) -> None:
    """Check the end, what the user reads and that all credits are back."""
    assert (video.status, video.failure_code) == ("failed", code)
    assert failures.sentence(video) == sentence
    assert (credits.available(video.user), invariants.problems()) == (100, [])


# ---- before a job exists ----


@pytest.mark.parametrize("engine", HOSTED, indirect=True)
def test_user_is_refunded_when_the_account_at_the_engine_is_empty(
    engine: LocalEngine, alice: User, run: Run
) -> None:
    engine.answer_submits(NO_MONEY[engine.kind])
    check_failed(run(order_at(engine, alice)), "upstream_out_of_credit", UNAVAILABLE)
    assert engine.jobs_made == 0


@pytest.mark.parametrize("engine", START, indirect=True)
def test_user_is_refunded_when_the_key_is_wrong(
    engine: LocalEngine,
    alice: User,
    run: Run,
    settings: LazySettings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure(settings, monkeypatch, {engine.key_variable: "wrong"})
    check_failed(run(order_at(engine, alice)), "upstream_auth", UNAVAILABLE)
    assert engine.jobs_made == 0


@pytest.mark.parametrize("engine", START, indirect=True)
def test_user_is_refunded_when_the_engine_refuses_the_order(
    engine: LocalEngine, alice: User, run: Run
) -> None:
    engine.answer_submits(BAD_ORDER[engine.kind])
    check_failed(run(order_at(engine, alice)), "invalid_request", REFUSED)
    assert engine.jobs_made == 0


@pytest.mark.parametrize("engine", START, indirect=True)
def test_order_waits_when_the_engine_is_busy(
    engine: LocalEngine, alice: User, run: Run, work: Work
) -> None:
    engine.answer_submits(BUSY)
    video = order_at(engine, alice)
    work(lambda: reloaded(video).events.filter(status="submitting").exists())
    work(lambda: reloaded(video).status == "queued")
    engine.answer_submits(None)
    video = run(video)
    assert (video.status, video.submit_count, engine.jobs_made) == ("succeeded", 1, 1)


# ---- when the answer of a submit is lost ----


@pytest.mark.parametrize("engine", START, indirect=True)
def test_user_is_refunded_when_a_web_page_answers_every_submit(
    engine: LocalEngine, alice: User, run: Run, work: Work
) -> None:
    engine.answer_submits((200, PAGE))
    video = order_at(engine, alice)

    def is_over() -> bool:
        # At fal a callback is waited for, at Replicate the list, which may lag.
        lost = Video.objects.filter(status="submit_unknown")
        lost.update(submitted_at=clock.now() - timedelta(minutes=30))
        return not reloaded(video).is_active

    work(is_over)
    check_failed(run(video), "submit_lost", NOT_ACCEPTED)
    assert engine.jobs_made == 0


@pytest.mark.parametrize("engine", ["fal", "replicate", "comfyui"], indirect=True)
def test_job_is_found_when_the_answer_of_its_submit_is_lost(
    engine: LocalEngine, alice: User, run: Run
) -> None:
    engine.lose_answers()
    video = run(order_at(engine, alice))
    assert (video.status, video.submit_count, engine.jobs_made) == ("succeeded", 1, 1)
    assert credits.available(alice) == 100 - engine.prices["text"]


@pytest.mark.parametrize("engine", ["gemini"], indirect=True)
def test_job_is_found_by_its_callback_when_the_engine_has_no_list(
    engine: LocalEngine, alice: User, run: Run, work: Work, settings: LazySettings
) -> None:
    settings.BASE_URL = "https://studio.example.com"
    engine.lose_answers()
    video = order_at(engine, alice)
    work(lambda: reloaded(video).status == "submit_unknown")
    [job_id] = engine.server.interactions
    body = f'{{"type": "interaction.completed", "data": {{"id": "{job_id}"}}}}'
    now = clock.now()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(WEBHOOK_SECRET).sign("msg_1", now, body),
    }
    address = kie.address_of(video).removeprefix("/studio.example.com")
    answer = Client(headers=headers).post(address, body, content_type="application/json")
    assert answer.status_code == 200
    video = run(video)
    assert (video.status, video.submit_count, engine.jobs_made) == ("succeeded", 1, 1)


@pytest.mark.parametrize("engine", ["gemini", "runway"], indirect=True)
def test_user_is_refunded_when_a_lost_job_cannot_be_searched_for(
    engine: LocalEngine, alice: User, run: Run
) -> None:
    engine.lose_answers()
    check_failed(run(order_at(engine, alice)), "submit_lost", NOT_ACCEPTED)
    assert engine.jobs_made == 1


# ---- when a job fails ----


@pytest.mark.parametrize("engine", HOSTED, indirect=True)
def test_user_is_refunded_when_the_engine_blocks_the_prompt(
    engine: LocalEngine, alice: User, run: Run
) -> None:
    video = run(order_at(engine, alice, "BLOCK"))
    check_failed(video, "moderation_blocked", BLOCKED)
    assert failures.is_blocked(video)
    assert engine.jobs_made == 1


@pytest.mark.parametrize(
    ("engine", "code", "detail", "stopped"),
    [
        ("fal", "runner_disconnected", "The runner vanished", "stopped"),
        ("replicate", "generation_failed", "Out of memory (E1001)", "stopped at 45%"),
        ("gemini", "generation_failed", "internal The model crashed.", "stopped"),
        ("runway", "INTERNAL.BAD_OUTPUT.CODE01", "An error occurred.", "stopped at 25%"),
        ("comfyui", "generation_failed", "KSampler: The node broke.", "stopped"),
    ],
    indirect=["engine"],
)
def test_user_is_refunded_when_the_job_fails(
    engine: LocalEngine, alice: User, run: Run, code: str, detail: str, stopped: str
) -> None:
    video = run(order_at(engine, alice, "FAIL"))
    check_failed(video, code, f"The engine {stopped}. The cause was not your prompt.")
    assert video.failure_detail == detail
    assert engine.jobs_made == 1


@pytest.mark.parametrize("engine", ["comfyui"], indirect=True)
def test_user_is_refunded_when_the_gpu_runs_out_of_memory(
    engine: LocalEngine, alice: User, run: Run
) -> None:
    video = run(order_at(engine, alice, "MEMORY"))
    check_failed(video, "engine_out_of_memory", OUT_OF_MEMORY)
    assert video.failure_detail.startswith("KSampler: Allocation on device 0")


@pytest.mark.parametrize("engine", START, indirect=True)
def test_user_is_refunded_when_the_engine_loses_the_job(
    engine: LocalEngine, alice: User, run: Run, work: Work, settings: LazySettings
) -> None:
    settings.MISSING_AFTER = timedelta(0)
    video = order_at(engine, alice)
    work(lambda: reloaded(video).status == "running")
    engine.forget_jobs()
    check_failed(run(video), "upstream_lost_job", LOST)
    assert engine.jobs_made == 1
