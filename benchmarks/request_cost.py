"""`python -m benchmarks.request_cost`: CPU time of requests, without server and network.

Compare two versions by running it in both in turn, and take the smaller figures.
"""

import io
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from tests import environment

os.environ["LOG_LEVEL"] = "CRITICAL"
os.environ["ACCESS_LOG"] = "0"

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.auth import api_keys, tokens  # noqa: E402
from accounts.models import Session, User  # noqa: E402
from billing.ledger import adjustments  # noqa: E402
from config.server.threaded_handler import ThreadedHandler  # noqa: E402

assert environment

BATCHES, REQUESTS = 10, 40
CREDITS = 1_000_000
ORDER = json.dumps({"prompt": "A boat on a lake"}).encode()


class Caller:
    """Sends requests to the handler of the server, in this thread."""

    def __init__(self) -> None:
        self._handler = ThreadedHandler()

    def send(self, method: str, path: str, token: str = "", body: bytes = b"") -> bytes:
        path, _, query = path.partition("?")
        headers = [(b"host", b"localhost"), (b"accept-encoding", b"identity")]
        if token:
            headers.append((b"authorization", f"Bearer {token}".encode()))
        if body:
            length = str(len(body)).encode()
            headers += [(b"content-type", b"application/json"), (b"content-length", length)]
        scope: dict[str, Any] = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": headers,
            "client": ("127.0.0.1", 5000),
            "server": ("127.0.0.1", 80),
        }
        answer: Any = self._handler._respond(scope, io.BytesIO(body))
        assert answer.status_code < 400, (answer.status_code, answer.content[:200])
        return bytes(answer.content)


def main() -> None:
    """Print the smallest and the median CPU time of batches, and the number of statements."""
    call_command("migrate", verbosity=0)
    user = User.objects.create(username="bench", email="bench@example.com")
    adjustments.adjust(user, CREDITS, "bench", expires_at=None)
    token = tokens.sign_in(user, Session.Grant.PASSWORD).access
    key = api_keys.issue(user, "bench", ["read", "generate"])[1]
    send = Caller().send
    for _ in range(25):
        video = json.loads(send("POST", "/api/videos", key, ORDER))["id"]
    print("| request | statements | CPU ms, smallest | median |")
    print("|---|---|---|---|")
    _measure("`/health`", lambda: send("GET", "/health"))
    _measure("status of a video, by token", lambda: send("GET", f"/api/videos/{video}", token))
    _measure("status of a video, by API key", lambda: send("GET", f"/api/videos/{video}", key))
    _measure("status of a video, `/v1`", lambda: send("GET", f"/v1/videos/{video}", key))
    _measure("list of 20 videos", lambda: send("GET", "/api/videos?limit=20", key))
    _measure("order", lambda: send("POST", "/api/videos", key, ORDER))


def _measure(name: str, request: Callable[[], object]) -> None:
    statements: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        statements.append(sql)
        return execute(sql, *more)

    with connection.execute_wrapper(note):
        request()
    spent = []
    for _ in range(BATCHES):
        began = time.process_time()
        for _ in range(REQUESTS):
            request()
        spent.append((time.process_time() - began) / REQUESTS * 1000)
    row = f"| {name} | {len(statements)} | {min(spent):.1f} | {statistics.median(spent):.1f} |"
    print(row, flush=True)


if __name__ == "__main__":
    main()
