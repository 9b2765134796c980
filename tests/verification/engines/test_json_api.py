"""Requests to a JSON API: each is sent once, and every way it fails has its own error."""

import socket
from typing import Any

import pytest

from tests.verification.engines.scripted_server import (
    PAGE,
    ScriptedServer,
    answer_late,
    close_connection,
    truncate,
)
from videos.engines import json_api
from videos.engines.errors import (
    AuthFailed,
    BadAnswer,
    Blocked,
    EngineError,
    Gone,
    InvalidRequest,
    NotFound,
    OutOfCredit,
    RateLimited,
    Unavailable,
    Unsupported,
)


def call(server: ScriptedServer, answer: Any, *, submitting: bool = False, **more: Any) -> Any:
    server.answer = answer
    url = f"http://127.0.0.1:{server.server_port}"
    with json_api.client(url, {"Authorization": "Key k"}, 0.5) as client:
        return json_api.send(client, "POST", "/jobs", submitting=submitting, **more)


def test_answer_is_the_json(server: ScriptedServer) -> None:
    assert call(server, (200, {"id": "1"}), json={"a": 1}) == {"id": "1"}
    assert call(server, (204, b"")) is None
    method, path, headers, body = server.requests[0]
    assert (method, path, headers["authorization"], body) == ("POST", "/jobs", "Key k", b'{"a":1}')


@pytest.mark.parametrize(
    ("answer", "kind", "maybe_accepted"),
    [
        ((401, {}), AuthFailed, False),
        ((402, {}), OutOfCredit, False),
        ((403, {}), AuthFailed, False),
        ((404, {}), NotFound, False),
        ((405, {}), Unsupported, False),
        ((410, {}), Gone, False),
        ((422, {}), InvalidRequest, False),
        ((429, {}), RateLimited, False),
        ((501, {}), Unsupported, False),
        ((302, b"", {"Location": "http://127.0.0.1:1/"}), BadAnswer, True),
        ((408, {}), Unavailable, True),
        ((500, {}), Unavailable, True),
        ((502, PAGE), Unavailable, True),
        ((200, PAGE), BadAnswer, True),
        ((200, b'{"cut'), BadAnswer, True),
        (close_connection, Unavailable, True),
        (truncate, Unavailable, True),
        (answer_late, Unavailable, True),
    ],
)
def test_submit_is_sent_once_and_its_failure_says_whether_it_may_be_accepted(
    server: ScriptedServer, answer: Any, kind: type[EngineError], maybe_accepted: bool
) -> None:
    with pytest.raises(kind) as caught:
        call(server, answer, submitting=True)
    assert (type(caught.value), caught.value.maybe_accepted) == (kind, maybe_accepted)
    assert server.posts == 1


def test_web_page_is_named_as_one(server: ScriptedServer) -> None:
    with pytest.raises(BadAnswer) as caught:
        call(server, (200, "<!doctype html><html></html>"))
    assert caught.value.detail == "the address is not an engine's API: it answered a web page"


def test_refused_connection_was_certainly_not_accepted() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with json_api.client(url, {}) as client, pytest.raises(Unavailable) as caught:
        json_api.send(client, "POST", "/jobs", submitting=True)
    assert caught.value.maybe_accepted is False


def test_pause_of_a_rate_limit_is_read(server: ScriptedServer) -> None:
    with pytest.raises(RateLimited) as caught:
        call(server, (429, {}, {"Retry-After": "7"}))
    assert caught.value.retry_after == 7


def test_adapter_names_the_errors_of_its_api(server: ScriptedServer) -> None:
    def read_error(status: int, body: Any, text: str) -> EngineError | None:
        return Blocked(body["why"]) if status == 400 else None

    with pytest.raises(Blocked) as caught:
        call(server, (400, {"why": "the prompt"}), read_error=read_error)
    assert caught.value.detail == "the prompt"
    with pytest.raises(NotFound):
        call(server, (404, {"why": ""}), read_error=read_error)


def test_too_large_an_answer_is_refused(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_api, "MAX_BYTES", 10)
    with pytest.raises(BadAnswer):
        call(server, (200, {"long": "x" * 100}))
