"""The SDK's own OAuth client signs in to /mcp: from the 401 to a refreshed and a revoked token."""

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from allauth.idp.oidc.models import Token
from django.test import Client as Browser
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from pydantic import AnyUrl

from accounts.models import User
from tests.conftest import ServerThread
from tests.videos.mcp.clients import answer_of, in_thread, refusal_of

REDIRECT = "http://localhost:3030/callback"


class Storage:
    """Keeps what a client keeps between its runs."""

    tokens: Any = None
    client: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.client

    async def set_client_info(self, client_info: Any) -> None:
        self.client = client_info


class Person:
    """Reads the page in a browser, lets the app in, and follows the redirect to it."""

    def __init__(self, user: User, scopes: list[str]) -> None:
        self._browser, self._scopes, self.pages = Browser(), scopes, 0
        self._browser.force_login(user)
        self._location = ""

    def _agree(self, url: str) -> None:
        parts = urlsplit(url)
        shown = self._browser.get(f"{parts.path}?{parts.query}")
        assert shown.status_code == 200, shown.content
        signed = shown.context["form"].initial["request"]
        body = {"request": signed, "scopes": self._scopes, "action": "grant"}
        self._location = self._browser.post(parts.path, body)["Location"]
        self.pages += 1

    async def open(self, url: str) -> None:
        await in_thread(lambda: self._agree(url))

    async def result(self) -> AuthorizationCodeResult:
        assert self._location.startswith(REDIRECT)
        query = parse_qs(urlsplit(self._location).query)
        return AuthorizationCodeResult(code=query["code"][0], state=query["state"][0])


def provider(url: str, storage: Storage, person: Person) -> OAuthClientProvider:
    metadata = OAuthClientMetadata(
        client_name="SDK",
        redirect_uris=[AnyUrl(REDIRECT)],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
    )
    return OAuthClientProvider(
        f"{url}/mcp",
        metadata,
        storage,
        redirect_handler=person.open,
        callback_handler=person.result,
    )


def run(url: str, auth: OAuthClientProvider, tool: str, **arguments: Any) -> Any:
    async def act() -> Any:
        async with httpx2.AsyncClient(auth=auth, timeout=30) as http:
            transport = streamable_http_client(f"{url}/mcp", http_client=http)
            async with Client(transport) as client:
                return await client.call_tool(tool, arguments)

    return asyncio.run(act())


def test_client_signs_in_orders_refreshes_and_ends(live: ServerThread, alice: User) -> None:
    storage, person = Storage(), Person(alice, ["read", "generate"])

    made = answer_of(
        run(live.url, provider(live.url, storage, person), "create_video", prompt="A boat")
    )
    assert (made["status"], person.pages) == ("queued", 1)
    first = storage.tokens

    # A later run: the access token has expired, the refresh token has not.
    Token.objects.filter(type=Token.Type.ACCESS_TOKEN).delete()
    auth = provider(live.url, storage, person)
    auth.context.token_expiry_time = 1.0
    found = answer_of(run(live.url, auth, "get_video", video_id=made["id"]))
    assert (found["id"], person.pages) == (made["id"], 1)
    assert storage.tokens.access_token != first.access_token

    revoked = {"token": storage.tokens.refresh_token}
    assert httpx2.post(f"{live.url}/oauth/revoke", data=revoked).status_code == 200
    headers = {"Authorization": f"Bearer {storage.tokens.access_token}"}
    answer = httpx2.post(f"{live.url}/mcp", json={}, headers=headers)
    assert answer.status_code == 401


def test_client_that_may_only_read_orders_nothing(live: ServerThread, alice: User) -> None:
    storage, person = Storage(), Person(alice, ["read"])
    result = run(live.url, provider(live.url, storage, person), "create_video", prompt="A boat")
    assert "it needs the scope generate and has read" in refusal_of(result)
