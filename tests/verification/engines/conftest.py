"""The server the engine adapters of these tests talk to."""

import threading
from collections.abc import Iterator

import pytest

from tests.verification.engines.scripted_server import ScriptedServer


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()
