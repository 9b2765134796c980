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

from benchmarks.process_usage import cpu_seconds, private_kib
from tests import environment
from tests.config.serve_process import ServeProcess, serving

assert environment

AT_ONCE = 50
SETTLE_SECONDS, IDLE_SECONDS = 20, 45


def main() -> None:
    """Print CPU and memory of the connections, and how fast an event reaches all of them."""
    count = int(sys.argv[1]) if sys.argv[1:] else 1000
    rates = {name: "off" for name in os.environ if name.startswith("RATE_")}
    own = {"SOCKETS_PER_USER": str(count + 1), "LOG_LEVEL": "ERROR", "SANDBOX_SECONDS": "1"}
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), **rates, **own) as server:
        asyncio.run(_measure(server, count))


async def _measure(server: ServeProcess, count: int) -> None:
    pid = server.process.pid
    async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as client:
        body = {"username": "bench", "email": "b@example.com", "password": "correct horse battery"}
        token = (await client.post("/api/auth/register", json=body)).json()["access_token"]
        first = await _open(server, token)
        memory, cpu = private_kib(pid), cpu_seconds(pid)
        sockets = [first]
        while len(sockets) < count:
            more = min(AT_ONCE, count - len(sockets))
            sockets += await asyncio.gather(*(_open(server, token) for _ in range(more)))
        print(f"start of a connection: {(cpu_seconds(pid) - cpu) / count * 1000:.1f} ms of CPU")
        await asyncio.sleep(SETTLE_SECONDS)
        cpu = cpu_seconds(pid)
        await asyncio.sleep(IDLE_SECONDS)
        print(f"all idle: {(cpu_seconds(pid) - cpu) / IDLE_SECONDS:.1%} of a core")
        print(f"private memory: {(private_kib(pid) - memory) / count:.0f} KiB each")
        arrivals = [asyncio.create_task(_arrival(socket)) for socket in sockets]
        headers = {"Authorization": f"Bearer {token}"}
        await client.post("/api/videos", json={"prompt": "A boat"}, headers=headers)
        times = sorted(await asyncio.gather(*arrivals))
        late = times[int(len(times) * 0.95)] - times[0]
        print(f"an event: p95 {late * 1000:.0f} ms after the first of them has it")
        await asyncio.gather(*(socket.close() for socket in sockets))


async def _open(server: ServeProcess, token: str) -> ClientConnection:
    socket = await connect(
        f"{server.url.replace('http', 'ws', 1)}/ws/videos/",
        subprotocols=[Subprotocol("bearer"), Subprotocol(token)],
        compression=None,
        ping_interval=None,
    )
    await socket.recv()  # what says that it is connected
    return socket


async def _arrival(socket: ClientConnection) -> float:
    await socket.recv()
    return time.perf_counter()


if __name__ == "__main__":
    main()
