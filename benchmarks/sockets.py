"""`python -m benchmarks.sockets 1000`: what so many open WebSockets of one user cost a server."""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from benchmarks.figures import Figure, Goal, table
from benchmarks.process_usage import cpu_seconds, private_kib
from tests import environment
from tests.config.serve_process import ServeProcess, serving

assert environment

AT_ONCE = 50
SETTLE_SECONDS, IDLE_SECONDS = 20, 45


def measure(*, quick: bool = False) -> list[Figure]:
    return measure_sockets(200 if quick else 1000)


def measure_sockets(count: int) -> list[Figure]:
    """Measure CPU and memory of the connections, and how fast an event reaches all of them."""
    rates = {name: "off" for name in os.environ if name.startswith("RATE_")}
    own = {"SOCKETS_PER_USER": str(count + 1), "LOG_LEVEL": "ERROR", "SANDBOX_SPEED": "20"}
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), **rates, **own) as server:
        return asyncio.run(_measure(server, count))


async def _measure(server: ServeProcess, count: int) -> list[Figure]:
    pid = server.process.pid
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as client:
        body = {"username": "bench", "email": "b@example.com", "password": "correct horse battery"}
        token = (await client.post("/api/auth/register", json=body)).json()["access_token"]
        await asyncio.sleep(SETTLE_SECONDS)
        cpu = cpu_seconds(pid)
        await asyncio.sleep(IDLE_SECONDS)
        alone = (cpu_seconds(pid) - cpu) / IDLE_SECONDS
        first = await _open(server, token)
        memory, cpu = private_kib(pid), cpu_seconds(pid)
        sockets = [first]
        while len(sockets) < count:
            more = min(AT_ONCE, count - len(sockets))
            sockets += await asyncio.gather(*(_open(server, token) for _ in range(more)))
        start = (cpu_seconds(pid) - cpu) / count * 1000
        await asyncio.sleep(SETTLE_SECONDS)
        cpu = cpu_seconds(pid)
        await asyncio.sleep(IDLE_SECONDS)
        idle = (cpu_seconds(pid) - cpu) / IDLE_SECONDS - alone
        size = (private_kib(pid) - memory) / count
        arrivals = [asyncio.create_task(_arrival(socket)) for socket in sockets]
        headers, began = {"Authorization": f"Bearer {token}"}, time.perf_counter()
        await client.post("/api/videos", json={"prompt": "A boat"}, headers=headers)
        times = sorted(await asyncio.gather(*arrivals))
        late = times[int(len(times) * 0.95)] - began
        await asyncio.gather(*(socket.close() for socket in sockets))
    print(f"{count} connections; the start of one costs {start:.1f} ms of CPU")
    return [
        # 3 % of a core for 10,000 of them.
        Figure("an idle WebSocket", idle / count * 1e6, "µs/s of CPU", Goal(value=3)),
        Figure("an open WebSocket", size, "KiB of memory", Goal(value=20)),
        Figure(f"an event to {count:,} WebSockets, p95", late * 1000, "ms", Goal(value=200)),
    ]


async def _open(server: ServeProcess, token: str) -> ClientConnection:
    socket = await connect(
        f"{server.url.replace('http', 'ws', 1)}/ws/videos/",
        subprotocols=[Subprotocol("bearer"), Subprotocol(token)],
        compression="deflate",  # as browsers offer it
        ping_interval=None,
    )
    await socket.recv()  # what says that it is connected
    return socket


async def _arrival(socket: ClientConnection) -> float:
    await socket.recv()
    return time.perf_counter()


if __name__ == "__main__":
    print(table(measure_sockets(int(sys.argv[1]) if sys.argv[1:] else 1000)))
