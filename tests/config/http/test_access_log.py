"""The access log in production, read from the standard error of a process."""

import json
import re
from pathlib import Path

import pytest

from tests.config.production import run_in_production

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


def test_secret_parts_of_a_path_are_not_logged(tmp_path: Path) -> None:
    paths = ["/s/TELL-NOBODY/", "/accounts/return/TELL-NOBODY/"]
    paths.append("/accounts/password/reset/key/1-TELL-NOBODY/")
    log = run_in_production(tmp_path, REQUESTS.replace('"/api/a%0Ab"', repr(paths)[1:-1])).stderr
    lines = [line for line in log.splitlines() if "config.http.access_log" in line]
    assert len(lines) == 4
    assert [line for line in lines if "TELL-NOBODY" in line] == []


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
