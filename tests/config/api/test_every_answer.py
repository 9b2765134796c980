"""What every answer has: an id, a policy, and under /api JSON whatever happens."""

import logging
import re

import pytest
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from config.http import request_id
from tests.markup import flat
from tests.statements import before, failing, reads


def test_health_is_answered_when_anonymous(db: None, settings: LazySettings) -> None:
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
def test_api_is_404_in_json_when_the_address_is_unknown(db: None, path: str, method: str) -> None:
    answer = getattr(Client(), method)(path)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Resource not found"})


def test_404_is_a_page_when_the_address_is_no_api_address(db: None) -> None:
    answer = Client().get("/nothing")
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_500_has_no_details_when_a_view_raises(api: APIClient) -> None:
    api.raise_request_exception = False
    with failing(reads("billing_lot"), error=RuntimeError("SECRET-DETAIL")):
        answer = api.get("/api/auth/me")
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal server error"})
    assert answer["X-Request-ID"]


@pytest.mark.parametrize("path", ["/library/", "/showcase/", "/"])
def test_page_says_that_the_service_is_not_available_when_the_database_does_not_answer(
    page: Client, path: str
) -> None:
    page.raise_request_exception = False
    with failing(lambda _sql, _parameters: True):
        answer = page.get(path)
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert '<h1 class="display">The service is not available</h1>' in flat(answer)


def test_api_is_400_in_json_when_the_host_is_not_allowed(db: None, settings: LazySettings) -> None:
    settings.PRODUCTION = True
    answer = Client().get("/api/auth/me", HTTP_HOST="evil.example.com")
    assert (answer.status_code, answer.json()) == (400, {"detail": "Invalid parameters"})


LINE = "ALLOWED_HOSTS=testserver,studio.lan"


def test_page_names_the_line_that_allows_the_host_when_it_is_unknown(
    db: None, settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    page = Client().get("/", headers={"Host": "studio.lan:8000"})
    assert page.status_code == 400
    assert f"<code>{LINE}</code>" in flat(page)
    answer = Client().get("/api/videos", headers={"Host": "studio.lan:8000"})
    assert (answer.status_code, answer.json()["detail"]) == (
        400,
        (
            "This server does not answer for the host studio.lan."
            f" Add this line to .env and restart: {LINE}"
        ),
    )


@pytest.mark.parametrize(
    ("host", "line"),
    [
        ("[2001:db8::1]:8000", "ALLOWED_HOSTS=testserver,[2001:db8::1]"),
        ("[abc", ""),
        ("[::1", ""),
        ("*", ""),
        ("x,y", ""),
    ],
)
def test_page_names_a_line_only_for_the_name_of_a_host(
    db: None, settings: LazySettings, host: str, line: str
) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    page = Client().get("/", headers={"Host": host})
    found = re.findall("<code>(.*?)</code>", flat(page))
    assert (page.status_code, found) == (400, [line] if line else [])


def test_production_tells_strangers_nothing_about_the_hosts_it_answers_for(
    db: None, settings: LazySettings
) -> None:
    settings.ALLOWED_HOSTS, settings.PRODUCTION = ["testserver"], True
    page = Client().get("/", headers={"Host": "studio.lan"})
    assert (page.status_code, "studio.lan" in page.content.decode()) == (400, False)


def test_request_id_of_the_client_is_kept_when_it_is_valid(db: None) -> None:
    assert Client().get("/health", HTTP_X_REQUEST_ID="a-1.B_2")["X-Request-ID"] == "a-1.B_2"


@pytest.mark.parametrize("asked", ["", "x" * 65, "a b", "a\n", "<b>", "é"])
def test_request_id_is_generated_when_the_clients_is_invalid(db: None, asked: str) -> None:
    made = Client().get("/health", HTTP_X_REQUEST_ID=asked)["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)


SECURITY_HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=60",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/accounts/login/"),
        ("GET", "/nothing"),
        ("GET", "/health"),
        ("GET", "/readyz"),
        ("GET", "/api/auth/me"),
        ("GET", "/static/css/app.css"),
        ("GET", "/static/img/mark.svg"),
        ("TRACE", "/"),
        ("BREW", "/api/videos"),
    ],
)
def test_every_answer_has_the_security_headers(
    db: None, settings: LazySettings, method: str, path: str
) -> None:
    settings.SECURE_HSTS_SECONDS = 60
    answer = Client().generic(method, path, secure=True)
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in policy
    assert {name: answer.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_log_record_of_a_404_has_the_request_id(db: None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(request_id.RequestIdFilter())
    caplog.set_level("WARNING", logger="django.request")  # refusals are not logged by default
    Client().get("/api/no-such-path", HTTP_X_REQUEST_ID="ask-1")
    assert [vars(record)["request_id"] for record in caplog.records] == ["ask-1"]


def test_log_record_has_the_request_id(api: APIClient) -> None:
    logged_ids: list[str] = []

    def log() -> None:
        record = logging.LogRecord("x", logging.INFO, "", 0, "x", (), None)
        request_id.RequestIdFilter().filter(record)
        logged_ids.append(str(record.request_id))  # type: ignore[attr-defined]

    with before(reads("billing_lot"), log):
        api.get("/api/auth/me", HTTP_X_REQUEST_ID="quoted-1")
    with before(reads("billing_lot"), log):
        made = api.get("/api/auth/me")["X-Request-ID"]
    assert (logged_ids, request_id.current.get()) == (["quoted-1", made], "-")


@pytest.mark.parametrize(
    "path", ["/static/css/app.css", "/static/nothing", "/", "/api/x", "/health"]
)
def test_every_answer_has_a_request_id(db: None, path: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", Client().get(path)["X-Request-ID"])


# ---- pages of other origins ----

ORIGIN = "https://studio.example.com"


@pytest.fixture
def configured_origins(settings: LazySettings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN, "http://127.0.0.1:5173"]


def cors(answer: object) -> dict[str, str]:
    headers: dict[str, str] = answer.headers  # type: ignore[attr-defined]
    return {k.lower(): v for k, v in headers.items() if k.lower().startswith("access-control")}


@pytest.mark.usefixtures("configured_origins")
def test_cors_lets_a_configured_origin_read_the_answer(api: APIClient) -> None:
    answer = api.get("/api/auth/me", HTTP_ORIGIN=ORIGIN)
    headers = cors(answer)
    assert headers.pop("access-control-expose-headers").split(", ") == [
        "Accept-Ranges",
        "Content-Disposition",
        "Content-Range",
        "ETag",
        "Idempotent-Replayed",
        "RateLimit-Limit",
        "RateLimit-Remaining",
        "RateLimit-Reset",
        "Retry-After",
        "X-Request-ID",
        "openai-poll-after-ms",
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
        "x-should-retry",
    ]
    assert headers == {"access-control-allow-origin": ORIGIN}
    assert "origin" in answer["Vary"].lower()


@pytest.mark.usefixtures("configured_origins")
@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [("TRACE", {}, 405), ("POST", {"HTTP_CONTENT_ENCODING": "gzip"}, 415)],
)
def test_cors_lets_a_configured_origin_read_why_a_request_is_not_understood(
    db: None, method: str, headers: dict[str, str], status: int
) -> None:
    answer = Client().generic(method, "/api/auth/login", HTTP_ORIGIN=ORIGIN, **headers)  # type: ignore[arg-type]
    assert (answer.status_code, cors(answer)["access-control-allow-origin"]) == (status, ORIGIN)


@pytest.mark.usefixtures("configured_origins")
def test_cors_lets_a_configured_origin_send_our_headers(db: None) -> None:
    asked = {"HTTP_ORIGIN": ORIGIN, "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "DELETE"}
    answer = Client().options("/api/videos", **asked)  # type: ignore[arg-type]
    headers = cors(answer)
    assert (answer.status_code, headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert "access-control-allow-credentials" not in headers
    allowed = headers["access-control-allow-headers"].split(", ")
    assert {"authorization", "x-api-key", "idempotency-key", "content-type"} <= set(allowed)


@pytest.mark.usefixtures("configured_origins")
@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        "http://studio.example.com",
        "https://studio.example.com:8443",
        "https://studio.example.com.evil.example.com",
        "http://127.0.0.1:5174",
        "null",
        "*",
    ],
)
def test_cors_is_refused_when_the_origin_is_not_configured(api: APIClient, origin: str) -> None:
    assert cors(api.get("/api/auth/me", HTTP_ORIGIN=origin)) == {}


@pytest.mark.usefixtures("configured_origins")
@pytest.mark.parametrize("path", ["/", "/admin/login/", "/accounts/login/", "/sandbox/v1/videos"])
def test_cors_is_refused_outside_the_api(db: None, path: str) -> None:
    assert cors(Client().get(path, HTTP_ORIGIN=ORIGIN)) == {}
