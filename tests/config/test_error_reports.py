"""Errors reach the Sentry server of SENTRY_DSN, without anything that a user sent."""

import gzip
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.conf import settings as configured

from config.environment import sentry
from config.error_reports import FRAME
from tests import migrated
from tests.config.failing_site import SECRET
from tests.config.production import start, start_in_production

DEVELOPMENT = {"ENVIRONMENT": "development", "SECRET_KEY": "", "JWT_SECRET_KEY": "",
    "ALLOWED_HOSTS": "localhost"}  # fmt: skip


UNUSABLE = "the value is not usable: expected https://<key>@<host>/<number of the project>"


class SentryServer(BaseHTTPRequestHandler):
    """Keeps the events that it receives, and every byte of them."""

    received: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(gzip.decompress(body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def dsn() -> Iterator[str]:
    SentryServer.received.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), SentryServer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://publickey@127.0.0.1:{server.server_port}/7"
        server.shutdown()


def all_events() -> list[dict[str, Any]]:
    """What is in the envelopes: each line after the header and the header of the item."""
    found = [json.loads(body.split(b"\n")[2]) for body in SentryServer.received]
    return sorted(found, key=lambda event: str(event.get("transaction")))


def events() -> list[dict[str, Any]]:
    return [event for event in all_events() if event.get("type") != "transaction"]


def shape_of(event: dict[str, Any]) -> dict[str, Any]:
    """What an event says, without times, ids and the code around each line."""
    errors = event.get("exception", {}).get("values", [])
    return {
        "where": event.get("transaction"),
        "request": event["tags"]["request_id"],
        "errors": [(error["type"], error["value"]) for error in errors],
        "log": event.get("logentry", {}).get("message"),
        "release": event["release"],
        "environment": event["environment"],
    }


def ran(
    tmp_path: Path, dsn: str, *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    migrated.copy_to(tmp_path)
    ended = start_in_production(
        tmp_path,
        *("-m", "tests.config.failing_site", *words),
        **{**DEVELOPMENT, "SENTRY_DSN": dsn, **environment},
    )
    assert ended.returncode == 0, ended.stderr
    return ended


def test_errors_of_views_are_reported_without_what_the_request_sent(
    tmp_path: Path, dsn: str
) -> None:
    ended = ran(tmp_path, dsn, SENTRY_TRACES="1")
    assert ended.stdout == "[500, 500, 400]\n"
    refused = [line for line in ended.stderr.splitlines() if "evil.example.com" in line]
    assert [line.split()[2:4] for line in refused] == [
        ["WARNING", "django.security.DisallowedHost"]
    ]
    assert ended.stderr.count("Traceback") == 2
    timings = [event for event in all_events() if event.get("type") == "transaction"]
    assert [timing["tags"]["request_id"] for timing in timings] == ["req-1"] * 3
    said = {"release": f"firstlight@{configured.VERSION}", "environment": "development"}
    said["request"] = "req-1"
    hidden, shown = "[hidden]", "no attribute 'size'"
    assert [shape_of(event) for event in events()] == [
        {
            "where": "/crashes/",
            "errors": [],
            "log": "the webhook of %s failed",
            **said,
        },
        {"where": "/crashes/", "errors": [("AttributeError", shown)], "log": None, **said},
        {"where": "/fails/{token}/", "errors": [("ValueError", hidden)], "log": None, **said},
    ]
    sent = b"\n".join(SentryServer.received).decode()
    assert SECRET not in sent
    assert {name for name in ("cookie", "Bearer", '"vars"') if name in sent} == set()
    (error,) = events()[-1]["exception"]["values"]
    assert error["stacktrace"]["frames"][-1]["function"] == "refuse"
    assert {name for frame in error["stacktrace"]["frames"] for name in frame} <= set(FRAME)


def test_errors_of_tasks_are_reported_without_their_arguments(tmp_path: Path, dsn: str) -> None:
    ran(tmp_path, dsn, "worker", SENTRY_TRACES="1")
    event, timing = sorted(all_events(), key=lambda found: found.get("type", ""))
    assert (timing["type"], timing["contexts"]["trace"]["status"]) == (
        "transaction",
        "internal_error",
    )
    assert event["exception"]["values"][-1]["type"] == "KeyError"
    assert event["transaction"] == "firstlight.paint"
    assert SECRET not in b"\n".join(SentryServer.received).decode()


@pytest.mark.parametrize("dsn", ["sentry.example.com", "https://example.com/7", "https://k@host/"])
def test_address_is_refused_when_it_is_malformed(dsn: str) -> None:
    with pytest.raises(ValueError, match="expected https://<key>@<host>/<number of the project>"):
        sentry.read_dsn(dsn)


def test_doctor_names_a_malformed_address_in_one_sentence(tmp_path: Path) -> None:
    ended = start(
        "manage.py", "doctor", ENV_FILE="/dev/null", DATA_DIR=str(tmp_path), SENTRY_DSN="k@host"
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", f"SENTRY_DSN: {UNUSABLE}\n")
