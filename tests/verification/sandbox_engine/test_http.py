"""The sandbox engine over HTTP: errors, authentication and limits."""

import pytest
from django.conf import LazySettings

from tests.verification.sandbox_engine.client import Sandbox, http_client
from videos.sandbox.openai import requests
from videos.sandbox.openai.body import BODY_LIMIT

ERROR_KEYS = {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nonsense", 404, "unknown_url"),
        ("GET", "/videos/video_0/nonsense", 404, "unknown_url"),
        ("GET", "/videos/video_0", 404, None),
        ("DELETE", "/videos/video_0", 404, None),
        ("GET", "/videos/video_0/content", 404, None),
        ("PUT", "/videos", 405, "method_not_supported"),
        ("POST", "/videos/video_0", 405, "method_not_supported"),
        ("POST", "/videos/video_0/content", 405, "method_not_supported"),
        ("GET", "/videos/video_0/remix", 405, "method_not_supported"),
        ("GET", "/videos?limit=101", 400, "invalid_value"),
        ("GET", "/videos?limit=many", 400, "invalid_value"),
        ("GET", "/videos?order=up", 400, "invalid_value"),
        ("GET", "/videos?after=video_0", 400, "invalid_value"),
    ],
)
def test_error_has_four_keys_and_a_request_id_when_a_request_is_wrong(
    sandbox: Sandbox, method: str, path: str, status: int, code: str | None
) -> None:
    answer = sandbox.http(method, path)
    error = answer.json()["error"]
    assert (answer.status_code, set(error), error["code"]) == (status, ERROR_KEYS, code)
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic c2s6", "Bearer schlüssel"])
def test_answer_is_401_when_the_key_is_missing_or_wrong(sandbox: Sandbox, header: str) -> None:
    headers = {b"Authorization": header.encode()}
    answer = http_client().get(f"{sandbox.url}/videos", headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
    assert set(answer.json()["error"]) == ERROR_KEYS


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"[" * 100_000,
        b"\xff\xfe",
        b'{"prompt": "a\\u0000b"}',
        b'{"prompt": "\\ud800"}',
        b'{"prompt": 7}',
        b'{"prompt": ["a"]}',
        b'{"prompt": ""}',
        b'{"prompt": "a", "seconds": true}',
        b'{"prompt": "a", "seconds": 4.0}',
        b'{"prompt": "a", "seconds": 5}',
        b'{"prompt": "a", "seconds": ' + b"9" * 4000 + b"}",
        b'{"prompt": "a", "size": {"w": 1}}',
        b'{"prompt": "a", "size": "\\ud800"}',
        b'{"prompt": "a", "model": []}',
        b'{"prompt": "a", "\\ud800": 1}',
        b'{"prompt": "a", "input_reference": {"image_url": 7}}',
        b'{"prompt": "a", "input_reference": {"image_url": "data:image/png;base64,%"}}',
        b'{"prompt": "a", "input_reference": {"file_id": "file-1"}}',
    ],
)
def test_answer_is_400_when_the_json_body_is_hostile(sandbox: Sandbox, body: bytes) -> None:
    answer = sandbox.http(
        "POST", "/videos", content=body, headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, set(answer.json()["error"])) == (400, ERROR_KEYS)
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_answer_is_415_when_the_content_type_is_another(sandbox: Sandbox) -> None:
    answer = sandbox.http("POST", "/videos", content=b"a", headers={"Content-Type": "text/plain"})
    assert (answer.status_code, set(answer.json()["error"])) == (415, ERROR_KEYS)


def test_answer_is_413_when_the_body_is_above_25_mib(sandbox: Sandbox) -> None:
    body = b" " * (BODY_LIMIT + 1)
    headers = {"Content-Type": "application/json"}
    answer = sandbox.http("POST", "/videos", content=body, headers=headers)
    assert (answer.status_code, set(answer.json()["error"])) == (413, ERROR_KEYS)


def test_answer_is_400_when_multipart_is_broken(sandbox: Sandbox) -> None:
    headers = {"Content-Type": "multipart/form-data"}
    answer = sandbox.http("POST", "/videos", content=b"--x", headers=headers)
    assert (answer.status_code, set(answer.json()["error"])) == (400, ERROR_KEYS)


def test_answer_is_429_with_retry_after_when_creates_exceed_the_rate(
    sandbox: Sandbox, settings: LazySettings
) -> None:
    settings.SANDBOX_MAX_RPM = 2
    body = {"prompt": "[[fail:x]]"}
    statuses = [sandbox.http("POST", "/videos", json=body).status_code for _ in range(2)]
    third = sandbox.http("POST", "/videos", json=body)
    assert [*statuses, third.status_code] == [200, 200, 429]
    assert third.json()["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(third.headers["Retry-After"]) <= 60
    sandbox.stranger.videos.create(prompt="[[fail:x]]")  # another key has its own limit


def test_answer_is_the_same_when_the_url_has_a_trailing_slash(sandbox: Sandbox) -> None:
    made = sandbox.http("POST", "/videos/", json={"prompt": "[[fail:x]]"}).json()
    assert sandbox.http("GET", f"/videos/{made['id']}/").json()["id"] == made["id"]


def test_models_are_listed_when_requested(sandbox: Sandbox) -> None:
    assert [model.id for model in sandbox.client.models.list()] == list(requests.MODELS)
