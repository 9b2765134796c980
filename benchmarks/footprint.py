"""`python -m benchmarks.footprint`: what the running product needs while nobody uses it.

Start, memory and CPU of `manage.py serve` with its worker and the sandbox, and its memory after
1,000 orders.
"""

import json
import os
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.figures import Figure, Goal, table
from benchmarks.process_usage import cpu_seconds, resident_mb, stat_fields
from tests import environment
from tests.config.serve_process import ServeProcess, serving

assert environment

IDLE_SECONDS = 60
# The sandbox's renderer ends when it has had nothing to draw for this long.
RENDERER_SECONDS = 90


def measure(*, quick: bool = False) -> list[Figure]:
    """Start it twice, because the first start migrates; wait; order; wait until all has ended."""
    orders, idle_seconds = (100, 10) if quick else (1000, IDLE_SECONDS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(folder, **_options()):
            pass
        began = time.perf_counter()
        with serving(folder, **_options()) as server:
            start = time.perf_counter() - began
            time.sleep(5)
            used = cpu_seconds(server.process.pid)
            time.sleep(idle_seconds)
            idle = (cpu_seconds(server.process.pid) - used) / idle_seconds
            memory = resident_mb(server.process.pid)
            _make_videos(server, orders)
            after = resident_mb(server.process.pid)
            time.sleep(RENDERER_SECONDS)
            children = _children(server.process.pid)
    return [
        Figure("warm start", start, "s", Goal(value=2)),
        Figure("an idle product", idle * 100, "% of a core", Goal(value=1)),
        Figure("memory of an idle product", memory, "MB", Goal(value=150)),
        Figure(f"memory after {orders:,} orders", after, "MB", Goal(value=200)),
        Figure("processes of an idle renderer", children, "", Goal(value=0)),
    ]


def _options() -> dict[str, str]:
    rates = {name: "off" for name in os.environ if name.startswith("RATE_")}
    own = {
        "LOG_LEVEL": "ERROR",
        "SANDBOX_SPEED": "0",
        "SANDBOX_DETAIL": "draft",
        "DEFAULT_USER_CREDITS": "10000000",
    }
    return {**rates, **own}


def _make_videos(server: ServeProcess, count: int) -> None:
    """Order videos, a hundred at a time, until all are made."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {"Content-Type": "application/json"}

    def send(method: str, path: str, body: object = None) -> dict[str, object]:
        connection.request(method, path, json.dumps(body) if body else None, headers)
        answer = connection.getresponse()
        found: dict[str, object] = json.load(answer)
        assert answer.status < 300, found
        return found

    user = {"username": "bench", "email": "b@example.com", "password": "correct horse battery"}
    headers["Authorization"] = f"Bearer {send('POST', '/api/auth/register', user)['access_token']}"
    order = {"prompt": "A boat [[instant]]", "seconds": 4}
    for n in range(count):
        send("POST", "/api/videos", order)
        while n % 100 == 99 and send("GET", "/api/videos?status=in_progress&limit=1")["total"]:
            time.sleep(1)


def _children(pid: int) -> int:
    children = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            children += stat_fields(process.name)[1] == str(pid)
        except OSError:  # it has ended
            continue
    return children


if __name__ == "__main__":
    print(table(measure()))
