"""The official SDK of OpenAI against a server of a test."""

import functools
from typing import Any

import httpx2
from openai import AsyncOpenAI, DefaultHttpxClient, OpenAI

from accounts.auth import api_keys
from accounts.models import ApiKey, User

ALL_SCOPES = [ApiKey.Scope.READ.value, ApiKey.Scope.GENERATE.value]


@functools.cache
def http_client() -> DefaultHttpxClient:
    """One connection pool for all tests: a new one reads every root certificate again."""
    return DefaultHttpxClient(timeout=30)


def key_of(user: User, scopes: list[str] | None = None) -> str:
    """Return a new API key of this user."""
    return api_keys.issue(user, "sdk", scopes or ALL_SCOPES)[1]


def sdk(url: str, key: str, **options: Any) -> OpenAI:
    """Return the SDK that calls `/v1` of this server."""
    given = {"max_retries": 0, "http_client": http_client(), **options}
    return OpenAI(base_url=f"{url}/v1", api_key=key, **given)


def async_sdk(url: str, key: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


class LosesAnswers(httpx2.BaseTransport):
    """Sends every request, and loses the answers to the first `count` ones."""

    def __init__(self, count: int) -> None:
        self._inner, self._left = httpx2.HTTPTransport(), count

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = self._inner.handle_request(request)
        if self._left:
            self._left -= 1
            response.read()
            response.close()
            raise httpx2.ReadError("the answer is lost", request=request)
        return response
