"""The official SDK's client of MCP against a server of a test."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx2
import pytest
from django.db import connections
from mcp import Client, MCPError
from mcp.client.streamable_http import streamable_http_client

from accounts.auth import api_keys
from accounts.models import ApiKey, User

T = TypeVar("T")
ALL_SCOPES = [ApiKey.Scope.READ.value, ApiKey.Scope.GENERATE.value]
ERAS = pytest.mark.parametrize("era", ["legacy", "auto"])


def key_of(user: User, *scopes: str) -> str:
    """Return a new API key of this user."""
    return api_keys.issue(user, "agent", list(scopes) or ALL_SCOPES)[1]


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def agent(
    url: str, headers: dict[str, str], act: Callable[[Client], Awaitable[T]], era: Any = "auto"
) -> T:
    """Connect a client of this era to `/mcp` of a server, and return what `act` returns.

    Raises MCPError, which the client would wrap in the groups of its tasks.
    """

    async def run() -> T | MCPError:
        async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
            transport = streamable_http_client(f"{url}/mcp", http_client=http)
            async with Client(transport, mode=era) as client:
                try:
                    return await act(client)
                except MCPError as error:
                    return error

    found = asyncio.run(run())
    if isinstance(found, MCPError):
        raise found
    return found


async def in_thread(act: Callable[[], T]) -> T:
    """Run something that asks the database while a client waits; leave no connection open."""

    def run() -> T:
        try:
            return act()
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)


def call(url: str, user: User, tool: str, **arguments: Any) -> Any:
    """Call a tool with a new key of this user, and return its result."""
    return agent(url, bearer(key_of(user)), lambda client: client.call_tool(tool, arguments))


def answer_of(result: Any) -> Any:
    """Return the structured answer of a call that worked."""
    assert not result.is_error, result.content
    return result.structured_content


def refusal_of(result: Any) -> str:
    """Return the sentence of a call that was refused."""
    assert result.is_error
    assert result.structured_content is None
    text: str = result.content[0].text
    return text
