"""The access log in production, read from the standard error of a process."""

import json
import re
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import resolve

from config.http import access_log, secret_paths
from tests.config.production import run_in_production

RESET = "/accounts/password/reset/key/"
REQUESTS = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.test import Client
for path in ("/api/nothing?token=hidden", "/api/a%0Ab"):
    Client().get(path, HTTP_HOST="example.com", HTTP_X_REQUEST_ID="asked-1")
"""


def test_every_request_is_logged_on_one_line(tmp_path: Path) -> None:
    log = run_in_production(tmp_path, REQUESTS).stderr
    lines = [line for line in log.splitlines() if "config.http.access_log" in line]
    entries = [re.sub(r"^\S+ \S+ (.+) \d+ ms$", r"\1", line) for line in lines]
    assert entries == [
        "INFO config.http.access_log [asked-1] GET '/api/nothing' 404",
        r"INFO config.http.access_log [asked-1] GET '/api/a\nb' 404",
    ]
    assert "hidden" not in log


@pytest.mark.parametrize(
    ("path", "logged"),
    [
        ("/s/TOKEN/", "/s/[hidden]/"),
        ("/s/TOKEN/video.mp4", "/s/[hidden]/video.mp4"),
        ("/accounts/return/TOKEN/", "/accounts/return/[hidden]/"),
        ("/accounts/confirm-email/TOKEN/", "/accounts/confirm-email/[hidden]/"),
        (
            "/accounts/password/reset/key/UID-TOKEN/",
            f"{RESET}[hidden]-[hidden]/",
        ),
    ],
)
def test_secret_parts_of_a_path_are_not_logged(
    caplog: pytest.LogCaptureFixture, settings: LazySettings, path: str, logged: str
) -> None:
    settings.ACCESS_LOG = True

    def get_response(request: HttpRequest) -> HttpResponse:
        request.resolver_match = resolve(request.path)
        return HttpResponse()

    with caplog.at_level("INFO", "config.http.access_log"):
        access_log.access_log_middleware(get_response)(RequestFactory().get(path))
    [message] = caplog.messages
    assert message.split()[:3] == ["GET", repr(logged), "200"]


def test_secret_parts_are_not_logged_when_a_request_is_refused(
    db: None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("WARNING", "django.request")
    caplog.handler.addFilter(secret_paths.SecretPathFilter())
    reset = "/accounts/password/reset/key/UID-TOKEN/"
    Client().post("/s/TOKEN/")
    Client().get("/s/TOKEN/", HTTP_HOST="evil.example.com")
    Client(enforce_csrf_checks=True).post(reset)
    first, _, last = (record.getMessage() for record in caplog.records)
    assert first == "Method Not Allowed (POST): /s/[hidden]/"
    assert last == f"Forbidden (CSRF cookie not set.): {RESET}[hidden]-[hidden]/"
    assert "TOKEN" not in caplog.text


def test_line_is_a_json_object_when_the_format_is_json(tmp_path: Path) -> None:
    log = run_in_production(tmp_path, REQUESTS, LOG_FORMAT="json").stderr
    entries = [json.loads(line) for line in log.splitlines()]
    names = ("request_id", "method", "path", "status")
    lines = [line for line in entries if line["logger"] == "config.http.access_log"]
    assert [[line[name] for name in names] for line in lines] == [
        ["asked-1", "GET", "/api/nothing", 404],
        ["asked-1", "GET", "/api/a\nb", 404],
    ]
    assert [type(line["ms"]) for line in lines] == [int, int]


@pytest.mark.parametrize("environment", [{"ACCESS_LOG": "0"}, {"LOG_LEVEL": "WARNING"}])
def test_no_line_is_written_when_the_log_is_off(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    assert (
        "config.http.access_log" not in run_in_production(tmp_path, REQUESTS, **environment).stderr
    )


def test_error_is_a_json_object_when_the_format_is_json(tmp_path: Path) -> None:
    code = f"{REQUESTS}\nimport logging\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n"
    code += "    logging.getLogger('x').exception('broken')\n"
    last = json.loads(run_in_production(tmp_path, code, LOG_FORMAT="json").stderr.splitlines()[-1])
    assert (last["level"], last["message"]) == ("ERROR", "broken")
    assert last["error"].endswith("ZeroDivisionError: division by zero")
