"""/mcp before a tool is called: credentials, hosts, methods, sizes, and what it costs unused."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from django.conf import LazySettings
from mcp import Client

from accounts.auth import api_keys, tokens
from accounts.auth.key_limits import KeyLimits
from accounts.models import Session, User
from accounts.request_log import buffer
from tests.conftest import ServerThread
from tests.videos.mcp.clients import agent, answer_of, bearer, key_of

LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"Accept": "application/json, text/event-stream"}


def post(live: ServerThread, path: str = "/mcp", **headers: str) -> httpx2.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.post(f"{live.url}{path}", json=LIST, headers={**ACCEPT, **sent})


def token_of(user: User) -> str:
    return tokens.sign_in(user, Session.Grant.TEST).access


async def _list_videos(client: Client) -> Any:
    return answer_of(await client.call_tool("list_videos", {}))


def test_api_key_and_token_are_accepted_in_every_documented_header(
    live: ServerThread, alice: User
) -> None:
    key, token = key_of(alice), token_of(alice)
    for headers in (bearer(key), bearer(token), {"X-API-Key": key}):
        assert agent(live.url, headers, _list_videos) == {"videos": []}
    assert post(live, "/mcp/", Authorization=f"Bearer {key}").status_code == 200


def test_token_decides_what_a_call_with_token_and_key_may_do(
    live: ServerThread, alice: User, settings: LazySettings
) -> None:
    settings.REQUIRE_API_KEY = True
    headers = {**bearer(token_of(alice)), "X-API-Key": key_of(alice, "read")}

    async def act(client: Client) -> Any:
        return answer_of(await client.call_tool("create_video", {"prompt": "x"}))

    assert agent(live.url, headers, act)["status"] == "queued"


def test_without_credentials_the_answer_says_how_to_sign_in(live: ServerThread) -> None:
    answer = post(live)
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Send an API key or an access token."}
    metadata = f"{live.url}/.well-known/oauth-protected-resource/mcp"
    assert answer.headers["WWW-Authenticate"] == f'Bearer resource_metadata="{metadata}"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Request-ID"]


@pytest.mark.parametrize("text", ["fl_nonsense", "nonsense", "a.b.c"])
def test_wrong_credentials_are_refused(live: ServerThread, text: str) -> None:
    answer = post(live, Authorization=f"Bearer {text}")
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_revoked_key_disabled_user_and_ended_session_are_refused(
    live: ServerThread, alice: User, bob: User
) -> None:
    key, token, others = key_of(alice), token_of(alice), key_of(bob)
    tokens.sign_out_everywhere(alice)
    api_keys.revoke(api_keys.find(key, "127.0.0.1"))
    User.objects.filter(pk=bob.pk).update(is_active=False)
    for text in (key, token, others):
        assert post(live, Authorization=f"Bearer {text}").status_code == 401


def test_key_and_token_of_two_users_are_refused(live: ServerThread, alice: User, bob: User) -> None:
    answer = post(live, Authorization=f"Bearer {token_of(alice)}", X_API_Key=key_of(bob))
    assert (answer.status_code, answer.json()) == (
        401,
        {"detail": "The API key belongs to another user."},
    )


def test_key_is_refused_from_an_address_that_it_may_not_be_used_from(
    live: ServerThread, alice: User
) -> None:
    limits = KeyLimits(ip_ranges=("203.0.113.0/24",))
    _key, text = api_keys.issue(alice, "office", ["read"], limits=limits)
    answer = post(live, Authorization=f"Bearer {text}")
    said = "This API key may not be used from your IP address."
    assert (answer.status_code, answer.json()["detail"]) == (403, said)


def test_call_stands_in_the_log_with_its_key_and_what_it_cost(
    live: ServerThread, alice: User
) -> None:
    key, text = api_keys.issue(alice, "agent", ["read", "generate"])
    buffer.take_all()

    async def act(client: Client) -> Any:
        return answer_of(await client.call_tool("create_video", {"prompt": "A boat"}))

    ordered = agent(live.url, bearer(text), act)
    logged = [(call.api_key_id, call.path, call.status, call.credits) for call in buffer.take_all()]
    orders = [call for call in logged if call[3]]
    assert orders == [(key.pk, "/mcp", 200, ordered["credits"])]
    assert {call[:3] for call in logged} == {(key.pk, "/mcp", 200)}


def test_cookie_of_the_pages_does_not_count(live: ServerThread, alice: User) -> None:
    from django.test import Client as Browser

    browser = Browser()
    browser.force_login(alice)
    cookie = f"sessionid={browser.cookies['sessionid'].value}"
    assert post(live, Cookie=cookie).status_code == 401


def test_calls_without_credentials_are_counted(live: ServerThread, settings: LazySettings) -> None:
    settings.RATE_ANONYMOUS = (1, 60)
    assert [post(live).status_code for _ in range(2)] == [401, 429]
    assert int(post(live).headers["Retry-After"]) > 0


def test_only_hosts_of_the_site_are_answered(
    live: ServerThread, alice: User, settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS = ["videos.example.com", "127.0.0.1"]
    key = f"Bearer {key_of(alice)}"
    assert post(live, Authorization=key, Host="videos.example.com").status_code == 200
    assert post(live, Authorization=key, Host="videos.example.com:8443").status_code == 200
    assert post(live, Authorization=key, Host="evil.example").status_code == 421


def test_other_methods_are_refused_with_a_sentence(live: ServerThread, alice: User) -> None:
    for method in ("GET", "DELETE"):
        answer = httpx2.request(method, f"{live.url}/mcp", headers=bearer(key_of(alice)))
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
        assert "MCP server" in answer.json()["detail"]


def test_body_beyond_the_limit_is_refused_as_json(live: ServerThread, alice: User) -> None:
    answer = httpx2.post(
        f"{live.url}/mcp", content=b"x" * (1024 * 1024 + 1), headers=bearer(key_of(alice))
    )
    assert (answer.status_code, answer.json()) == (413, {"detail": "Payload too large"})


def test_body_that_does_not_arrive_or_grows_too_large_is_refused_as_elsewhere(
    live: ServerThread, alice: User, settings: LazySettings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.BODY_IDLE_SECONDS = 0.3
    headers = {**ACCEPT, **bearer(key_of(alice)), "Content-Type": "application/json"}

    def slow() -> Iterator[bytes]:
        yield b"{"
        time.sleep(0.8)
        yield b"}"

    large = (b"x" * 300_000 for _ in range(4))
    found = [
        httpx2.post(f"{live.url}/mcp", content=body, headers=headers) for body in (slow(), large)
    ]
    assert [(answer.status_code, "detail" in answer.json()) for answer in found] == [
        (408, True),
        (413, True),
    ]
    assert [line.message for line in caplog.records if line.levelno >= logging.ERROR] == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"jsonrpc":"2.0"}', b"\xff"])
def test_broken_bodies_get_an_error_of_the_protocol(
    live: ServerThread, alice: User, body: bytes
) -> None:
    headers = {**ACCEPT, **bearer(key_of(alice)), "Content-Type": "application/json"}
    for era in ({}, {"MCP-Protocol-Version": "2026-07-28"}):
        answer = httpx2.post(f"{live.url}/mcp", content=body, headers={**headers, **era})
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] < 0


def test_application_starts_without_the_sdk() -> None:
    program = "import config.asgi as a, sys; print({'mcp'} & sys.modules.keys(), type(a.router))"
    assert _printed(program) == "set() <class 'config.server.mcp_endpoint.MCPEndpoint'>\n"


def test_switched_off_there_is_no_such_address() -> None:
    program = (
        "import config.asgi; from django.urls import resolve;"
        " print(type(config.asgi.router).__name__ == 'MCPEndpoint', resolve('/help/').url_name);"
        " resolve('/oauth/token')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MCP": "0"},
    )
    assert (ran.stdout, "Resolver404" in ran.stderr) == ("False help\n", True)


def _printed(program: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    return ran.stdout
