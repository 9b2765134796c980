"""What production writes down of every request, read from the standard error of a process."""

import json
import re
from pathlib import Path

import pytest

from tests.test_house import start

ASK = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.test import Client
for path in ("/api/nothing?token=hidden", "/api/a%0Ab"):
    Client().get(path, HTTP_HOST="example.com", HTTP_X_REQUEST_ID="asked-1")
"""


def test_a_line_tells_of_every_request(tmp_path: Path) -> None:
    said = start(tmp_path, ASK).stderr
    lines = [line for line in said.splitlines() if "config.http.access_log" in line]
    told = [re.sub(r"^\S+ \S+ (.+) \d+ ms$", r"\1", line) for line in lines]
    assert told == [
        "INFO config.http.access_log [asked-1] GET '/api/nothing' 404",
        r"INFO config.http.access_log [asked-1] GET '/api/a\nb' 404",
    ]
    assert "hidden" not in said


def test_a_line_is_an_object_when_so_configured(tmp_path: Path) -> None:
    said = start(tmp_path, ASK, LOG_FORMAT="json").stderr
    told = [json.loads(line) for line in said.splitlines()]
    names = ("request_id", "method", "path", "status")
    lines = [line for line in told if line["logger"] == "config.http.access_log"]
    assert [[line[name] for name in names] for line in lines] == [
        ["asked-1", "GET", "/api/nothing", 404],
        ["asked-1", "GET", "/api/a\nb", 404],
    ]
    assert [type(line["ms"]) for line in lines] == [int, int]


@pytest.mark.parametrize("environment", [{"ACCESS_LOG": "0"}, {"LOG_LEVEL": "WARNING"}])
def test_nothing_is_written_when_it_is_off(tmp_path: Path, environment: dict[str, str]) -> None:
    assert "config.http.access_log" not in start(tmp_path, ASK, **environment).stderr


def test_an_error_is_an_object_too(tmp_path: Path) -> None:
    code = f"{ASK}\nimport logging\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n"
    code += "    logging.getLogger('x').exception('broken')\n"
    last = json.loads(start(tmp_path, code, LOG_FORMAT="json").stderr.splitlines()[-1])
    assert (last["level"], last["message"]) == ("ERROR", "broken")
    assert last["error"].endswith("ZeroDivisionError: division by zero")
