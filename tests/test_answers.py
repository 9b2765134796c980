"""What every answer has: an id, a policy, and under /api JSON whatever happens."""

import re

import pytest
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from billing import ledger


def test_health_is_told_to_anybody(db: None, settings: LazySettings) -> None:
    answer = Client().get("/health")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "version": settings.VERSION},
    )


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/nothing",
        "/api/videos/",
        "/api/auth/login/",
        "/api/%00",
        "/api/../api/x",
        "/api/é",
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "delete", "options"])
def test_unknown_in_json_when_the_address_is_unknown(db: None, path: str, method: str) -> None:
    answer = getattr(Client(), method)(path)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Resource not found"})


def test_a_page_is_shown_when_a_page_is_unknown(db: None) -> None:
    answer = Client().get("/nothing")
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_nothing_is_given_away_when_it_breaks(
    api: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(user: User) -> int:
        raise RuntimeError("SECRET-DETAIL")

    monkeypatch.setattr(ledger, "available", broken)
    api.raise_request_exception = False
    answer = api.get("/api/auth/me")
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal server error"})
    assert answer["X-Request-ID"]


def test_refused_in_json_when_the_host_is_foreign(db: None) -> None:
    answer = Client().get("/api/auth/me", HTTP_HOST="evil.example.com")
    assert (answer.status_code, answer.json()) == (400, {"detail": "Invalid parameters"})


def test_the_id_is_kept_when_the_client_names_a_harmless_one(db: None) -> None:
    assert Client().get("/health", HTTP_X_REQUEST_ID="a-1.B_2")["X-Request-ID"] == "a-1.B_2"


@pytest.mark.parametrize("asked", ["", "x" * 65, "a b", "a\n", "<b>", "é"])
def test_an_id_is_made_when_the_clients_is_harmful(db: None, asked: str) -> None:
    made = Client().get("/health", HTTP_X_REQUEST_ID=asked)["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)


@pytest.mark.parametrize("path", ["/", "/accounts/login/", "/nothing", "/health", "/api/auth/me"])
def test_nothing_foreign_may_be_loaded(db: None, path: str) -> None:
    answer = Client().get(path)
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    headers = ("X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy")
    assert [answer[name] for name in headers] == ["nosniff", "DENY", "same-origin"]
