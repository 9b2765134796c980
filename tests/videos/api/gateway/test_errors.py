"""Every error under /v1 is OpenAI's envelope, whoever answers."""

import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from config.lib import rate_limits
from config.server.refusals import refusal_response
from tests.statements import failing, reads
from tests.videos.api.gateway.test_create import error_of

URL = "/v1/videos"


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/v1",
            "/v1/",
            "/v1/chat/completions",
            "/v1/videos/",
            "/v1//videos",
            "/v1/é",
            "/v1/a\nb",
        ),
        *("//v1", "//v1/videos", "/V1/videos"),
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_unknown_address_is_404(db: None, path: str, method: str) -> None:
    answer = getattr(Client(), method)("/", PATH_INFO=path)
    assert error_of(answer)[::2] == (404, "unknown_url")


@pytest.mark.parametrize(
    "key", ["", "Bearer", "Bearer sk-proj-1", "Bearer a.b.c", "Basic c2s6", "Bearer schlüssel"]
)
def test_key_that_is_missing_or_wrong_is_invalid_api_key(db: None, key: str) -> None:
    client = Client(headers={"Authorization": key} if key else {})
    for path in (URL, "/v1/models", f"{URL}/video_0", f"{URL}/video_0/content"):
        answer = client.get(path)
        assert error_of(answer) == (401, None, "invalid_api_key")
        assert (answer["WWW-Authenticate"], bool(answer["X-Request-ID"])) == ("Bearer", True)


def test_cookie_of_the_pages_does_not_count(page: Client) -> None:
    assert error_of(page.get(URL)) == (401, None, "invalid_api_key")
    assert error_of(page.post(URL, "{}", content_type="application/json"))[0] == 401


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", URL), ("PATCH", f"{URL}/video_0"), ("GET", f"{URL}/edits/x")]
)
def test_method_that_is_not_there_is_refused_in_the_envelope(
    api: APIClient, method: str, path: str
) -> None:
    assert error_of(api.generic(method, path))[0] in (404, 405)


def test_unknown_method_and_encoding_are_refused_in_the_envelope(api: APIClient) -> None:
    assert error_of(api.generic("TRACE", URL)) == (405, None, "method_not_supported")
    packed = api.post(URL, b"x", content_type="text/plain", headers={"Content-Encoding": "gzip"})
    assert error_of(packed) == (415, None, "unsupported_content_type")


def test_rate_limit_headers_are_those_that_the_sdk_reads(
    api: APIClient, settings: LazySettings
) -> None:
    settings.RATE_TASKS = (1, 60)
    if settings.REDIS_URL:
        rate_limits._redis().flushdb()
    first, second = api.get(URL), api.get(URL)
    names = [f"x-ratelimit-{name}-requests" for name in ("limit", "remaining", "reset")]
    assert [first[name] for name in names] == ["1", "0", "60s"]
    assert error_of(second) == (429, None, "rate_limit_exceeded")
    assert (second.json()["error"]["type"], int(second["Retry-After"]) <= 60) == ("requests", True)


def test_server_error_has_no_details(api: APIClient) -> None:
    api.raise_request_exception = False
    with failing(reads("videos_video"), error=RuntimeError("SECRET-DETAIL")):
        answer = api.get(URL)
    assert (answer.status_code, answer.json()) == (
        500,
        {
            "error": {
                "message": "Internal server error",
                "type": "server_error",
                "param": None,
                "code": None,
            }
        },
    )


@pytest.mark.parametrize("status", [401, 408, 413, 503])
def test_early_refusal_is_in_the_envelope(status: int) -> None:
    scope: dict[str, Any] = {"path": URL, "headers": []}
    body = json.loads(refusal_response(status, scope).body)
    assert set(body["error"]) == {"message", "type", "param", "code"}


def test_host_that_is_not_allowed_is_refused_in_the_envelope(
    db: None, settings: LazySettings
) -> None:
    settings.PRODUCTION = True
    assert error_of(Client().get(URL, HTTP_HOST="evil.example.com"))[0] == 400


def test_browser_may_read_answers_from_the_configured_origins(
    api: APIClient, settings: LazySettings
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://studio.example.com"]
    asked = {
        "Origin": "https://studio.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,x-stainless-retry-count,x-stainless-os",
    }
    allowed = Client().options(URL, headers=asked)["Access-Control-Allow-Headers"]
    assert {"x-stainless-retry-count", "x-stainless-os"} <= set(allowed.split(", "))
