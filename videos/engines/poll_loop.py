"""Poll the jobs of many videos at once: one thread with an event loop and kept connections.

A thread for each poll would cost more than the poll, and sixteen of them would wait for sixteen
answers while hundreds of videos are due.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from videos.engines.base import Job
from videos.engines.errors import EngineError
from videos.engines.http_answers import Answer

if TYPE_CHECKING:
    from videos.engines.http_connections import Connections

log = logging.getLogger(__name__)

# How many connections one engine gets from one process.
CONNECTIONS = 128


@dataclass(frozen=True)
class PollAddress:
    """Where an engine is polled: `headers` are sent with each request and hold its key."""

    base_url: str
    headers: Mapping[str, str]

    @property
    def path(self) -> str:
        """The beginning of all paths at the engine, without a slash at its end."""
        return urlsplit(self.base_url).path.rstrip("/")


def address_of(client: httpx2.Client) -> PollAddress:
    """The address of an engine that a client talks to, with the client's own headers."""
    left_out = {"host", "connection", "accept-encoding"}
    headers = {name: text for name, text in client.headers.items() if name not in left_out}
    return PollAddress(str(client.base_url), headers)


@runtime_checkable
class PolledByOneRequest(Protocol):
    """An engine that answers in one GET how a job is."""

    poll_address: PollAddress

    def poll_target(self, job_id: str) -> str:
        """The path and query of the request. Raises EngineError."""

    def read_poll(self, job_id: str, answer: Answer) -> Job:
        """The job that an answer of any status tells of. Raises EngineError."""


def takes(engine: object) -> bool:
    """Whether an engine can be polled here; others are polled by `fetch` on a thread."""
    return isinstance(engine, PolledByOneRequest) and _is_direct(engine.poll_address.base_url)


class PollLoop:
    """Polls jobs until it is closed. `explain` makes an engine's error of any other one."""

    def __init__(self, explain: Callable[[Exception], EngineError]) -> None:
        self._explain = explain
        self._loop = _new_loop()
        self._connections: dict[PolledByOneRequest, Connections] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="polls", daemon=True)
        self._thread.start()

    def poll(
        self, jobs: Iterable[tuple[PolledByOneRequest, str, "Future[Job | EngineError]"]]
    ) -> None:
        """Poll jobs by their ids; each result, or the error, is set on the future beside it."""
        self._loop.call_soon_threadsafe(self._begin, list(jobs))

    def close(self) -> None:
        """Drop what is not answered, close the connections and end the thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _begin(
        self, jobs: "list[tuple[PolledByOneRequest, str, Future[Job | EngineError]]]"
    ) -> None:
        for engine, job_id, future in jobs:
            task = self._loop.create_task(self._poll(engine, job_id, future))
            self._tasks.add(task)  # the loop itself keeps weak references only
            task.add_done_callback(self._tasks.discard)

    async def _poll(
        self, engine: PolledByOneRequest, job_id: str, future: "Future[Job | EngineError]"
    ) -> None:
        result: Job | EngineError
        try:
            answer = await self._connections_to(engine).get(engine.poll_target(job_id))
            result = engine.read_poll(job_id, answer)
        except EngineError as error:
            result = error
        except Exception as error:  # the video must still be polled again
            result = self._explain(error)
        future.set_result(result)

    def _connections_to(self, engine: PolledByOneRequest) -> "Connections":
        if (found := self._connections.get(engine)) is None:
            # Only here, because the import takes 0.2 s, and most commands and processes never poll.
            from videos.engines.http_connections import Connections  # noqa: PLC0415

            address = engine.poll_address
            found = Connections(address.base_url, address.headers, CONNECTIONS)
            self._connections[engine] = found
        return found

    async def _end(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connections in self._connections.values():
            await connections.close()


def _is_direct(url: str) -> bool:
    """Whether a URL is reached without a proxy of the environment.

    aiohttp knows neither ALL_PROXY nor SOCKS, and reads the environment for each request.
    """
    parts, proxies = urlsplit(url), getproxies()
    has_proxy = parts.scheme in proxies or "all" in proxies
    return not has_proxy or bool(proxy_bypass(parts.netloc))


def _new_loop() -> asyncio.AbstractEventLoop:
    """The event loop of the web server, which costs less; asyncio's own where it is missing."""
    try:
        import uvloop  # noqa: PLC0415 - there is none for Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
