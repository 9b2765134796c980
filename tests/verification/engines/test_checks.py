"""Asking an engine whether it can be used: what is wrong, in a sentence, and never a job."""

import socket
from typing import Any

import pytest
from django.conf import LazySettings

from tests.verification.engines.scripted_server import PAGE, Answer, ScriptedServer
from videos.engines import base, checks


def configure(settings: LazySettings, kind: str, address: str, **more: str) -> None:
    openai = {"adapter": "openai", "base_url": f"{address}/v1", "webhook_secret": "", "models": ""}
    kie = {
        "adapter": "kie", "base_url": address, "callback_secret": "", "models": "sora-2=a:b",
        "input": "{}", "seconds": "10", "upload_url": address, "result_hosts": "",
    }  # fmt: skip
    chosen = openai if kind == "openai" else kie
    settings.ENGINES = {"one": {**chosen, "api_key": "k", **more}}
    base.get.cache_clear()


def url_of(server: ScriptedServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


MODELS = (200, {"object": "list", "data": [{"id": "wan-2.2"}, {"id": "ltx-2"}]})


@pytest.mark.parametrize("models", ["", "sora-2=wan-2.2"])
def test_engine_can_be_used_when_it_lists_its_models(
    server: ScriptedServer, settings: LazySettings, models: str
) -> None:
    configure(settings, "openai", url_of(server), models=models)
    server.answer = MODELS
    assert checks.find_problem("one") == ""
    assert [(method, path) for method, path, *_ in server.requests] == [("GET", "/v1/models")]


def test_engine_can_be_used_when_it_lists_only_videos(
    server: ScriptedServer, settings: LazySettings
) -> None:
    configure(settings, "openai", url_of(server))
    videos = (200, {"object": "list", "data": []})
    server.answer = lambda asked: videos if "/videos" in asked.path else (404, {})
    assert checks.find_problem("one") == ""
    assert server.posts == 0


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((401, {"error": {"message": "bad key"}}), "the key is not accepted: set the right one"),
        ((402, {"detail": "no money"}), "the account there is empty: add credit"),
        ((429, {"detail": "slow down"}), "it answers that it is busy: ask again later"),
        ((404, {"detail": "Not Found"}), "the address is wrong: it has no such API there"),
        ((200, PAGE), "the address is not that of an engine"),
        ((500, {}), "it does not answer: check the address, and that it runs"),
        (MODELS, "a configured model is not there: correct the names"),
    ],
)
def test_problem_is_named_when_the_engine_cannot_be_used(
    server: ScriptedServer, settings: LazySettings, answer: Answer, sentence: str
) -> None:
    configure(settings, "openai", url_of(server), models="sora-2=absent")
    server.answer = answer
    problem = checks.find_problem("one")
    assert problem.startswith(f"engine one at {url_of(server)}/v1: {sentence} (")
    assert server.posts == 0


def test_problem_is_named_when_nothing_listens(settings: LazySettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    configure(settings, "openai", f"http://127.0.0.1:{port}")
    assert "it does not answer" in checks.find_problem("one")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ({"code": 422, "msg": "recordInfo is null", "data": None}, ""),
        ({"code": 401, "msg": "You do not have access permissions", "data": None}, "the key"),
    ],
)
def test_account_at_kie_is_checked_by_a_job_that_does_not_exist(
    server: ScriptedServer, settings: LazySettings, answer: dict[str, Any], problem: str
) -> None:
    configure(settings, "kie", url_of(server))
    server.answer = (200, answer)
    found = checks.find_problem("one")
    assert (problem in found, bool(found), server.posts) == (True, bool(problem), 0)
