"""What every adapter must make of answers that no documentation names."""

from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

import pytest

from tests.verification.engines.scripted_server import ScriptedServer
from tests.videos import kie as kie_settings
from videos.engines import comfyui, fal, gemini, json_api, kie, openai, replicate, runway
from videos.engines.base import Engine, JobState, RenderRequest
from videos.engines.errors import BadAnswer, OutOfCredit, Unavailable, UnclearOutcome
from videos.engines.fal.ids import RequestId

TOKEN = "0e4cbb1e-6d5f-4c0a-9d3b-2f1f6a3f7b10"
PAGES = ("<!doctype html><title>Just a moment...</title>", "<html><body>Welcome</body></html>")
ENDED = {JobState.SUCCEEDED, JobState.FAILED}


class Adapter(NamedTuple):
    """How to connect to a kind of engine, what it can be asked, and its job with a status.

    `ending` is what else says there that the job has ended.
    """

    connect: Callable[[str], Engine]
    model: str
    job_id: str
    job: Callable[[str, dict[str, Any]], Any]
    ending: dict[str, Any]

    def order(self) -> RenderRequest:
        return RenderRequest(
            TOKEN,
            "A boat",
            self.model,
            "1280x704",
            8,
            aspect="16:9",
            resolution="720p",
            fields={"fps": 24, "frames": "4n+1", "step": 32, "prompt": "{prompt}"},
        )


def with_key(connect: Callable[..., Engine], **more: str) -> Callable[[str], Engine]:
    return lambda url: connect("test", {"base_url": url, "api_key": "k", **more})


ADAPTERS = {
    "openai": Adapter(
        with_key(openai.connect, webhook_secret="", models=""),
        "sora-2",
        "video_1",
        lambda word, more: {"id": "video_1", "status": word, **more},
        {"completed_at": 1},
    ),
    "kie": Adapter(
        lambda url: kie.connect("test", kie_settings.config(url, api_key="k")),
        "sora-2",
        "task_1",
        lambda word, more: {"code": 200, "data": {"taskId": "task_1", "state": word, **more}},
        {"completeTime": 1757584205000},
    ),
    "fal": Adapter(
        with_key(fal.connect),
        "acme/boats/text-to-video",
        str(RequestId("r-1", "acme/boats")),
        lambda word, more: {"status": word, **more},
        {"metrics": {"inference_time": 3.2}},
    ),
    "replicate": Adapter(
        with_key(replicate.connect),
        "acme/boats",
        "gm3q",
        lambda word, more: {"id": "gm3q", "status": word, **more},
        {"completed_at": "2026-11-29T00:00:00Z"},
    ),
    "gemini": Adapter(
        with_key(gemini.connect),
        "gemini-omni",
        "v1_1",
        lambda word, more: {"id": "v1_1", "status": word, **more},
        {"errors": [{"message": "It broke."}]},
    ),
    "runway": Adapter(
        with_key(runway.connect),
        "gen4.5",
        TOKEN,
        lambda word, more: {"id": TOKEN, "status": word, **more},
        {"failureCode": "INTERNAL"},
    ),
    "comfyui": Adapter(
        with_key(comfyui.connect),
        "wan22_5b_t2v.json",
        TOKEN,
        lambda word, more: {TOKEN: {"outputs": {}, "status": {"status_str": word}, **more}},
        {"meta": {}},
    ),
}
# ComfyUI's records are those of jobs that have ended, with two words.
WITH_WORDS = sorted(ADAPTERS.keys() - {"comfyui"})


@pytest.fixture
def adapter(request: pytest.FixtureRequest) -> Adapter:
    return ADAPTERS[request.param]


@pytest.fixture
def engine(server: ScriptedServer, adapter: Adapter) -> Engine:
    return adapter.connect(f"http://127.0.0.1:{server.server_port}")


def answering(status: int, content: Any) -> Callable[[BaseHTTPRequestHandler], Any]:
    """The answer to everything but ComfyUI's queue, which is empty."""

    def answer(handler: BaseHTTPRequestHandler) -> Any:
        if handler.path == "/queue":
            return 200, {"queue_running": [], "queue_pending": []}
        return status, content

    return answer


@pytest.mark.parametrize("adapter", WITH_WORDS, indirect=True)
@pytest.mark.parametrize("word", ["complete", "finished", "rejected", "error", "Timed_Out"])
def test_job_has_ended_when_its_status_is_the_word_of_another_engine(
    server: ScriptedServer, adapter: Adapter, engine: Engine, word: str
) -> None:
    server.answer = (200, adapter.job(word, {}))
    state = engine.fetch(adapter.job_id).state
    assert state in ENDED if word in {"complete", "finished"} else state is JobState.FAILED


@pytest.mark.parametrize("adapter", WITH_WORDS, indirect=True)
def test_job_runs_when_its_status_is_unknown_until_something_says_that_it_has_ended(
    server: ScriptedServer, adapter: Adapter, engine: Engine
) -> None:
    server.answer = (200, adapter.job("reticulating", {}))
    assert engine.fetch(adapter.job_id).state is JobState.RUNNING
    server.answer = (200, adapter.job("reticulating", adapter.ending))
    with pytest.raises(UnclearOutcome) as caught:
        engine.fetch(adapter.job_id)
    assert caught.value.detail == "the job ended with the unknown status 'reticulating'"


@pytest.mark.parametrize("adapter", ADAPTERS, indirect=True)
def test_job_has_failed_when_an_http_error_has_it_as_body(
    server: ScriptedServer, adapter: Adapter, engine: Engine
) -> None:
    word, more = {
        "fal": ("COMPLETED", {"error": "It broke."}),
        "runway": ("FAILED", {}),
        "comfyui": ("error", {}),
        "kie": ("fail", {}),
    }.get(next(name for name in ADAPTERS if ADAPTERS[name] is adapter), ("failed", {}))
    for status in (400, 500):
        server.answer = answering(status, adapter.job(word, more))
        assert engine.fetch(adapter.job_id).state is JobState.FAILED


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("adapter", ADAPTERS, indirect=True)
def test_address_is_said_to_be_no_api_when_it_answers_a_web_page(
    server: ScriptedServer, adapter: Adapter, engine: Engine, page: str
) -> None:
    server.answer = (200, page)
    with pytest.raises(BadAnswer) as submitted:
        engine.submit(adapter.order())
    with pytest.raises(BadAnswer) as polled:
        engine.fetch(adapter.job_id)
    said = [submitted.value.detail, polled.value.detail]
    assert said == [json_api.NOT_AN_API, json_api.NOT_AN_API]


@pytest.mark.parametrize(
    "said",
    ["You exceeded your current quota.", "insufficient_user_quota", "Insufficient balance"],
)
@pytest.mark.parametrize("adapter", ADAPTERS, indirect=True)
def test_account_is_out_of_credit_when_a_refusal_is_about_money(
    server: ScriptedServer, adapter: Adapter, engine: Engine, said: str
) -> None:
    server.answer = (403, {"code": 403, "msg": said, "detail": said, "error": {"message": said}})
    with pytest.raises(OutOfCredit):
        engine.submit(adapter.order())
    assert server.posts == 1


@pytest.mark.parametrize("adapter", ADAPTERS, indirect=True)
def test_order_was_not_accepted_when_a_gateway_has_no_server_for_the_model(
    server: ScriptedServer, adapter: Adapter, engine: Engine
) -> None:
    said = "No available channel for the model"
    server.answer = (503, {"code": 503, "msg": said, "detail": said, "error": {"message": said}})
    with pytest.raises(Unavailable) as caught:
        engine.submit(adapter.order())
    assert (caught.value.maybe_accepted, server.posts) == (False, 1)
    server.answer = (503, {"code": 503, "msg": "busy", "detail": "busy", "error": "busy"})
    with pytest.raises(Unavailable) as caught:
        engine.submit(adapter.order())
    assert caught.value.maybe_accepted is True
