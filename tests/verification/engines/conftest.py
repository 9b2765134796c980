"""The server the engine adapters of these tests talk to, and both ways to poll it."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest

from tests.verification.engines.scripted_server import ScriptedServer
from videos.engines.base import Job
from videos.engines.errors import EngineError
from videos.engines.poll_loop import PollLoop

Poll = Callable[[Any, str], Job]


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def polling() -> Iterator[Poll]:
    """Yield a function that polls in an event loop, as workers do, and raises what is found."""

    def explain(error: Exception) -> EngineError:
        return EngineError(f"a fault of ours: {error!r}")

    loop = PollLoop(explain)

    def poll_in_loop(engine: Any, job_id: str) -> Job:
        future: Future[Job | EngineError] = Future()
        loop.poll([(engine, job_id, future)])
        found = future.result(20)
        if isinstance(found, EngineError):
            raise found
        return found

    try:
        yield poll_in_loop
    finally:
        loop.close()


@pytest.fixture(params=["on a thread", "in the loop"])
def poll(request: pytest.FixtureRequest) -> Iterator[Poll]:
    """Return a function that polls an engine: by its method, or in the loop of the workers."""
    if request.param == "on a thread":
        yield lambda engine, job_id: engine.fetch(job_id)
    else:
        with polling() as poll:
            yield poll
