"""Requests that nothing here understands: unknown methods and addresses."""

import httpx2
import pytest

from tests.conftest import ServerThread


@pytest.mark.parametrize("path", ["/", "/api/videos", "/health", "/accounts/login/"])
def test_unknown_method_is_405(live: ServerThread, path: str) -> None:
    answers = [httpx2.request(method, f"{live.url}{path}") for method in ("TRACE", "BREW")]
    assert [answer.status_code for answer in answers] == [405, 405]
    assert answers[0].headers["Allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


def test_api_without_a_slash_is_a_json_404(live: ServerThread) -> None:
    answer = httpx2.get(f"{live.url}/api")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Resource not found"})
