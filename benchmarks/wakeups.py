"""Measure how soon work begins: from an order to the engine, from a callback to the browser.

Real processes on real ports, as the fault tests start them: one in the embedded mode; web, worker
and beat with PostgreSQL and Redis in the scaled mode.
"""

import base64
import json
import random
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from statistics import median, quantiles
from typing import Any, cast

import httpx2
import websocket
from standardwebhooks import Webhook

from benchmarks.figures import Figure, Goal
from billing.ledger import credits
from tests import backing
from tests.conftest import ServerThread
from tests.faults import checks, processes, users
from tests.videos.conftest import clip

SECRET = "whsec_" + base64.b64encode(b"benchmark secret of an engine").decode()
POLL_SECONDS = "5"
# So many videos are not counted.
WARM_UP = 3


class Engine:
    """An engine with the Videos API in this process: it notes when orders come, and calls back."""

    def __init__(self, clip: bytes) -> None:
        self._clip = clip
        self.ordered: dict[str, float] = {}
        self.arrived = threading.Condition()
        self.finished: set[str] = set()
        self._count = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        parts = scope["path"].split("/")
        if scope["method"] == "POST":
            at = time.perf_counter()
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message.get("body", b""), message.get("more_body", False)
            self._count += 1
            job = f"video_{self._count}"
            with self.arrived:
                self.ordered[job] = at
                self.arrived.notify_all()
            return await _answer(send, 200, "application/json", self._job(job))
        if parts[-1] == "content":
            if b"variant" in scope["query_string"]:
                return await _answer(send, 404, "application/json", b"{}")
            return await _answer(send, 200, "video/mp4", self._clip)
        return await _answer(send, 200, "application/json", self._job(parts[-1]))

    def _job(self, job: str) -> bytes:
        status = "completed" if job in self.finished else "in_progress"
        found = {"id": job, "object": "video", "status": status, "progress": 10, "created_at": 1}
        return json.dumps(found).encode()

    def await_order(self, count: int) -> tuple[str, float]:
        """Wait until `count` orders have come; return the last one's job and its time."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.ordered) >= count, 30), "no order came"
            return list(self.ordered.items())[-1]


async def _answer(send: Any, status: int, kind: str, body: bytes) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


# The most milliseconds that 95 of 100 videos may take.
GOALS = {
    ("order → engine", "embedded"): 200,
    ("order → engine", "scaled"): 200,
    ("callback → browser", "embedded"): 100,
    ("callback → browser", "scaled"): 300,
}


def measure(*, quick: bool) -> list[Figure]:
    """Measure both latencies in both modes."""
    count = 10 if quick else 40
    return run(count, scaled=False) + run(count, scaled=True)


def run(count: int, *, scaled: bool) -> list[Figure]:
    """Print both latencies over `count` videos, ordered and finished one after the other."""
    figures = []
    print("| mode | way | videos | median ms | p95 ms | max ms |")
    print("|---|---|---|---|---|---|")
    engine = Engine(clip())
    with ExitStack() as stack:
        stub = stack.enter_context(ServerThread(cast(Any, engine)))
        settings = {
            "OPENAI_BASE_URL": f"{stub.url}/v1",
            "OPENAI_API_KEY": "none",
            "OPENAI_WEBHOOK_SECRET": SECRET,
            "POLL_SECONDS": POLL_SECONDS,
            "POLL_MAX_SECONDS": POLL_SECONDS,
            "SANDBOX": "0",
        }
        if scaled:
            redis, database = processes.OwnRedis(), stack.enter_context(backing.postgres())
            stack.callback(redis.kill)
            opening = processes.with_celery(redis.url, database, engines=settings)
        else:
            opening = processes.embedded(settings)
        deployment = stack.enter_context(opening)
        stack.enter_context(checks.use_database_of(deployment))
        deployment.start_missing()
        user = users.create_user(deployment)
        enough = 100 * (count + WARM_UP)
        credits.grant(user.account, enough, credits.Kind.EARNED, "bench", expires_at=None)
        measured = [_measure(deployment, user, engine, n) for n in range(count + WARM_UP)]
    mode = "scaled" if scaled else "embedded"
    for name, delays in (
        ("order → engine", [order for order, _ in measured[WARM_UP:]]),  # the first ones warm up
        ("callback → browser", [done for _, done in measured[WARM_UP:]]),
    ):
        cuts = quantiles([delay * 1000 for delay in delays], n=20)
        print(
            f"| {mode} | {name} | {count} | {median(delays) * 1000:.0f} | {cuts[-1]:.0f} "
            f"| {max(delays) * 1000:.0f} |",
            flush=True,
        )
        goal = Goal(value=GOALS[name, mode])
        figures.append(Figure(f"{name}, {mode}, p95", cuts[-1], "ms", goal))
    return figures


def _measure(deployment: Any, user: Any, engine: Engine, n: int) -> tuple[float, float]:
    """Order one video and finish it; seconds until the engine and until the browser know."""
    socket = websocket.create_connection(
        f"ws://127.0.0.1:{deployment.port}/ws/videos/", subprotocols=["bearer", user.token]
    )
    socket.settimeout(30)
    assert json.loads(socket.recv())["type"] == "connect"
    began = time.perf_counter()
    video = user.order("A paper boat")
    job, at = engine.await_order(n + 1)
    _read_until(socket, video, "in_progress")
    # Any moment between two looks, and more than a second after the last wake-up.
    time.sleep(random.uniform(1.1, 2.1))
    engine.finished.add(job)
    body = json.dumps({"type": "video.completed", "data": {"id": job}})
    now = datetime.now(UTC)
    headers = {
        "webhook-id": f"msg_{n}",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(f"msg_{n}", now, body),
        "content-type": "application/json",
    }
    called = time.perf_counter()
    url = f"{deployment.url}/api/webhooks/openai"
    answer = httpx2.post(url, content=body, headers=headers)
    assert answer.status_code == 200, answer.text
    done = _read_until(socket, video, "completed")
    socket.close()
    return at - began, done - called


def _read_until(socket: websocket.WebSocket, video: str, status: str) -> float:
    while True:
        event = json.loads(socket.recv())
        if event.get("video_id") == video and event["updates"]["status"] == status:
            return time.perf_counter()
