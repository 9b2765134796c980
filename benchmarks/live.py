"""Measure the latency from a change to the client's WebSocket, in the embedded mode."""

import json
import threading
import time
from statistics import median, quantiles
from uuid import uuid4

import websocket
from django.utils import timezone

from accounts.auth import tokens
from accounts.models import Session, User
from benchmarks.figures import Figure, Goal
from tests.conftest import ServerThread
from videos.engines.base import Job, JobState
from videos.jobs.worker import settle
from videos.models import Video


def measure(*, quick: bool) -> list[Figure]:
    """Measure with one WebSocket and with 20 of one user; nothing may get lost."""
    print("| WebSockets of the user | changes | median ms | p95 ms | p99 ms | max ms | lost |")
    print("|---|---|---|---|---|---|---|")
    changes = 50 if quick else 500
    return [figure for sockets in (1, 20) for figure in _measure(changes, sockets)]


def _measure(changes: int, sockets: int) -> list[Figure]:
    user = User.objects.create_user(f"live{time.time_ns()}")
    token = tokens.sign_in(user, Session.Grant.PASSWORD).access
    arrived: list[dict[int, float]] = []
    with ServerThread("config.asgi:application") as server:
        readers = [_open_reader(server.port, token, arrived) for _ in range(sockets)]
        sent = _change_videos(user, changes)
        time.sleep(1)
        for reader in readers:
            reader.close()
    delays = [seen[seq] - at for seen in arrived for seq, at in sent.items() if seq in seen]
    lost = changes * sockets - len(delays)
    cuts = quantiles(delays, n=100)
    print(
        f"| {sockets} | {changes} | {median(delays) * 1000:.1f} | {cuts[94] * 1000:.1f} "
        f"| {cuts[98] * 1000:.1f} | {max(delays) * 1000:.1f} | {lost} |",
        flush=True,
    )
    name = f"a change until {sockets} WebSocket{'s' * (sockets > 1)} of its user have it"
    return [
        Figure(f"{name}, p95", cuts[94] * 1000, "ms", Goal(value=50)),
        Figure(f"{name}: lost", lost, "changes", Goal(value=0)),
    ]


def _open_reader(port: int, token: str, arrived: list[dict[int, float]]) -> websocket.WebSocket:
    socket = websocket.create_connection(
        f"ws://127.0.0.1:{port}/ws/videos/", subprotocols=["bearer", token]
    )
    assert json.loads(socket.recv())["type"] == "connect"
    seen: dict[int, float] = {}
    arrived.append(seen)

    def read() -> None:
        try:
            while text := socket.recv():
                seen[json.loads(text)["seq"]] = time.perf_counter()
        except (websocket.WebSocketException, OSError):
            return

    threading.Thread(target=read, daemon=True).start()
    return socket


def _change_videos(user: User, changes: int) -> dict[int, float]:
    """Change videos as the worker does; return when each change began to be written, by number."""
    now = timezone.now()
    sent: dict[int, float] = {}
    lease = uuid4()
    for n in range(changes):
        if n % 90 == 0:
            video = Video.objects.create(
                user=user, operation="text", prompt="live", model="sora-2", size="1280x720",
                seconds=8, credits=20, status="running", engine="sandbox",
                engine_job_id=f"live_{user.pk}_{n}", created_at=now,
                deadline_at=now.replace(year=now.year + 1),
            )  # fmt: skip
        Video.objects.filter(pk=video.pk).update(lease=lease)
        video.lease = lease
        began = time.perf_counter()
        settle.settle([(video, Job("x", JobState.RUNNING, progress=float(n % 90 + 1)))])
        video = Video.objects.get(pk=video.pk)
        sent[video.sequence] = began
        time.sleep(0.01)
    return sent
