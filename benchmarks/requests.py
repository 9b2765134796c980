"""`python -m benchmarks.requests`: CPU time of a request in the server, and of one in bare Django.

Both are processes of their own, asked in turn over one connection each. The product runs no worker
here, so that nothing else happens in its process.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.figures import Figure, Goal, table
from benchmarks.process_usage import cpu_seconds
from tests import environment
from tests.backing import free_port
from tests.config.serve_process import serving

assert environment

ROUNDS, REQUESTS = 15, 40
ORDER = json.dumps({"prompt": "A paper boat on a lake", "seconds": 4})
# Ratios to bare Django, and milliseconds on a quiet core.
GOALS = {
    "/health": Goal(ratio=0.7),
    "status": Goal(ratio=1.2, value=2.4),
    "list of 20": Goal(ratio=1.8, value=4.0),
    "create": Goal(ratio=2.2, value=5.0),
}
FLOOR = "bare Django"


@dataclass
class Server:
    """A running server, and the connection to it."""

    pid: int
    connection: HTTPConnection
    headers: dict[str, str]

    def send(self, method: str, path: str, body: str | None = None) -> dict[str, object]:
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        found: dict[str, object] = json.load(answer)
        assert answer.status < 300, found
        return found

    def cost(self, request: Callable[[], object]) -> float:
        """Return the CPU milliseconds of one of REQUESTS requests, on one connection."""
        self.connection.close()  # servers close it while the other one is measured
        request()
        before = cpu_seconds(self.pid)
        for _ in range(REQUESTS):
            request()
        return (cpu_seconds(self.pid) - before) / REQUESTS * 1000


def measure(*, quick: bool = False) -> list[Figure]:
    """Ask both servers in turn; a figure is that of the round that was least disturbed."""
    with ExitStack() as stack:
        bare = stack.enter_context(_bare_django())
        product = stack.enter_context(_product())
        videos = [product.send("POST", "/api/videos", ORDER)["id"] for _ in range(25)]
        requests: dict[str, Callable[[], object]] = {
            "/health": lambda: product.send("GET", "/health"),
            "status": lambda: product.send("GET", f"/api/videos/{videos[0]}"),
            "list of 20": lambda: product.send("GET", "/api/videos?limit=20"),
            "create": lambda: product.send("POST", "/api/videos", ORDER),
        }
        costs: dict[str, list[float]] = {name: [] for name in [FLOOR, *requests]}
        for _ in range(5 if quick else ROUNDS):
            costs[FLOOR].append(bare.cost(lambda: bare.send("GET", "/health")))
            for name, request in requests.items():
                costs[name].append(product.cost(request))
    floor = min(costs[FLOOR])
    return [
        Figure(f"{name}: CPU of the server", min(costs[name]), "ms", goal, floor, FLOOR)
        for name, goal in GOALS.items()
    ]


@contextmanager
def _bare_django() -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.bare_django", str(port)]
    process = subprocess.Popen(command)
    try:
        _wait_for(port)
        yield Server(process.pid, HTTPConnection("127.0.0.1", port, timeout=30), {})
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _product() -> Iterator[Server]:
    options = {name: "off" for name in os.environ if name.startswith("RATE_")}
    options |= {"LOG_LEVEL": "ERROR", "ACCESS_LOG": "0", "EMBEDDED_WORKER": "0"}
    options |= {"DEFAULT_USER_CREDITS": "10000000"}
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), **options) as server:
        yield Server(
            server.process.pid,
            HTTPConnection("127.0.0.1", server.port, timeout=30),
            {"Authorization": f"Bearer {_key(server.port)}", "Content-Type": "application/json"},
        )


def _key(port: int) -> str:
    """Sign up, and return a key."""
    anonymous = Server(0, HTTPConnection("127.0.0.1", port), {"Content-Type": "application/json"})
    body = {"username": "bench", "email": "b@example.com", "password": "correct horse battery"}
    token = anonymous.send("POST", "/api/auth/register", json.dumps(body))["access_token"]
    anonymous.headers["Authorization"] = f"Bearer {token}"
    wanted = json.dumps({"name": "bench", "scopes": ["read", "generate"]})
    return str(anonymous.send("POST", "/api/users/api-keys", wanted)["key"])


def _wait_for(port: int) -> None:
    give_up = time.monotonic() + 30
    while True:
        try:
            return HTTPConnection("127.0.0.1", port).connect()
        except OSError:
            assert time.monotonic() < give_up
            time.sleep(0.05)


def main() -> None:
    """Print a table of the figures."""
    print(table(measure()))


if __name__ == "__main__":
    main()
