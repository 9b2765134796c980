"""Measure the CPU time of a request under /v1 and under /api.

One server answers orders and questions for a status in turn in both dialects, from one client in
the same process, whose share is the same for both.
"""

import json
import time
from contextlib import closing
from http.client import HTTPConnection
from statistics import median

from django.conf import settings

from accounts.auth import api_keys
from accounts.models import ApiKey, User
from benchmarks.figures import Figure, Goal
from billing.ledger import credits
from tests.conftest import ServerThread

ROUND = 25
BODY = json.dumps({"prompt": "A paper boat", "model": "sora-2", "size": "720x1280", "seconds": "4"})
PATHS = {"/v1": "/v1/videos", "/api": "/api/videos"}


def measure(*, quick: bool) -> list[Figure]:
    """Measure orders and questions for a status under /v1, with those under /api as their floor."""
    rounds = 4 if quick else 20
    settings.RATE_GENERATE = settings.RATE_TASKS = settings.RATE_OTHER = (0, 60)
    user = User.objects.create_user(f"gateway{time.time_ns()}")
    credits.grant(user, 1_000_000, credits.Kind.EARNED, "bench", expires_at=None)
    scopes = [ApiKey.Scope.READ.value, ApiKey.Scope.GENERATE.value]
    headers = {
        "Authorization": f"Bearer {api_keys.issue(user, 'bench', scopes)[1]}",
        "Content-Type": "application/json",
    }
    spent: dict[tuple[str, str], list[float]] = {}
    with (
        ServerThread("config.asgi:application") as server,
        closing(HTTPConnection("127.0.0.1", server.port)) as client,
    ):
        for n in range(rounds + 1):  # the first one warms up
            _measure(client, headers, spent if n else {})
    figures = []
    for kind in ("create", "status"):
        gateway, api = (median(spent[dialect, kind]) for dialect in PATHS)
        name = f"{kind} under /v1: CPU with the client's"
        figures.append(Figure(name, gateway, "ms", Goal(ratio=1), api, "/api"))
    return figures


def _measure(
    client: HTTPConnection, headers: dict[str, str], spent: dict[tuple[str, str], list[float]]
) -> None:
    """Send one round of each request, and add the CPU milliseconds of one."""
    for dialect, path in PATHS.items():
        began = time.process_time()
        made = [_ask(client, "POST", path, headers, BODY)["id"] for _ in range(ROUND)]
        between = time.process_time()
        for video_id in made:
            _ask(client, "GET", f"{path}/{video_id}", headers)
        ended = time.process_time()
        for kind, seconds in (("create", between - began), ("status", ended - between)):
            spent.setdefault((dialect, kind), []).append(seconds / ROUND * 1000)


def _ask(
    client: HTTPConnection, method: str, path: str, headers: dict[str, str], body: str | None = None
) -> dict[str, str]:
    client.request(method, path, body, headers)
    answer = client.getresponse()
    found: dict[str, str] = json.load(answer)
    assert answer.status < 300, found
    return found
