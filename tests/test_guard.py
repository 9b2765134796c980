"""Bodies that are too large or from nobody, sent to real server processes of both kinds."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings, settings

from config.http import body_limits
from tests.backing import free_port

MIB = 1024**2
SERVERS = {
    "uvicorn": ["uvicorn", "config.asgi:application", "--log-level", "error", "--port"],
    "daphne": ["daphne", "config.asgi:application", "-v", "0", "--port"],
}
UPLOAD = "/api/videos/upload"
SENT_AT_MOST = 64 * MIB  # of a gibibyte: what sockets hold, and what is read to be polite
GROWN_AT_MOST = 32 * MIB
SOMEBODY = "Authorization: Bearer nobody-s"


class Server:
    """A server process that knows no database."""

    def __init__(self, kind: str) -> None:
        self.kind, self.port = kind, free_port()
        command = [sys.executable, "-m", *SERVERS[kind], str(self.port)]
        self.process = subprocess.Popen(command, cwd=settings.BASE_DIR)
        until = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, "it ended"
            assert time.monotonic() < until, "it does not answer"
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}/api/nothing").status_code == 404
        except httpx2.TransportError:
            return False

    def peak(self) -> int:
        """The most memory it ever had, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def send(self, path: str, *headers: str, body: int, chunked: bool = False) -> "Told":
        return Told(self.port, path, headers, body, chunked)


class Told:
    """One POST of `body` zeros, sent until the server says or does something; what it said."""

    def __init__(
        self, port: int, path: str, headers: tuple[str, ...], body: int, chunked: bool
    ) -> None:
        self.sent, self.answer = 0, b""
        with socket.create_connection(("127.0.0.1", port), 30) as line:
            length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {body}"
            form = "Content-Type: multipart/form-data; boundary=x"
            head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", form, length, *headers, "", ""]
            line.sendall("\r\n".join(head).encode())
            reader = threading.Thread(target=self._read, args=[line])
            reader.start()
            try:
                self._write(line, body, chunked)
            except OSError:
                pass  # it hung up
            reader.join(30)
        self.status = int(self.answer.split(b" ", 2)[1]) if self.answer else 0
        self.body = self.answer.partition(b"\r\n\r\n")[2]

    def _write(self, line: socket.socket, body: int, chunked: bool) -> None:
        part = bytes(256 * 1024)
        framed = b"40000\r\n" + part + b"\r\n" if chunked else part
        while self.sent < body and not self.answer:
            line.sendall(framed)
            self.sent += len(part)
        if chunked and not self.answer:
            line.sendall(b"0\r\n\r\n")

    def _read(self, line: socket.socket) -> None:
        try:
            self.answer = line.recv(65536)
            while not self.answer.endswith(b"}"):
                self.answer += line.recv(65536) or b"}"
        except OSError:
            pass


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    running = Server(request.param)
    yield running
    running.process.terminate()
    running.process.wait(20)


@pytest.mark.parametrize(
    ("headers", "mib", "chunked", "status", "detail"),
    [
        ([], 1024, False, 413, "Payload too large"),
        ([SOMEBODY], 1024, False, 413, "Payload too large"),
        ([], 1024, True, 401, "Not authenticated"),
        ([], 90, False, 401, "Not authenticated"),
        (["Cookie: theme=dark"], 90, False, 401, "Not authenticated"),
    ],
)
def test_refused_before_it_is_sent(
    server: Server, headers: list[str], mib: int, chunked: bool, status: int, detail: str
) -> None:
    before = server.peak()
    told = server.send(UPLOAD, *headers, body=mib * MIB, chunked=chunked)
    assert (told.status, told.body) == (status, f'{{"detail": "{detail}"}}'.encode())
    assert told.sent < SENT_AT_MOST
    assert server.peak() - before < GROWN_AT_MOST


def test_a_file_from_somebody_is_not_held_in_memory(server: Server) -> None:
    before = server.peak()
    assert server.send(UPLOAD, SOMEBODY, body=99 * MIB).status == 401
    # daphne hands a body over at once; it must not also take it apart, which needs ten times that.
    assert server.peak() - before < {"uvicorn": GROWN_AT_MOST, "daphne": 3 * 99 * MIB}[server.kind]


def test_an_endless_body_is_refused_when_it_has_become_too_large(server: Server) -> None:
    before = server.peak()
    told = server.send(UPLOAD, SOMEBODY, body=1024 * MIB, chunked=True)
    assert told.status == 413
    assert told.sent < 100 * MIB + SENT_AT_MOST
    assert server.peak() - before < GROWN_AT_MOST


@pytest.mark.parametrize(
    ("path", "size"),
    [
        ("/api/auth/login", 2 * MIB),
        ("/api/payments/webhook/stripe", MIB),
        ("/api/webhooks/sandbox", MIB),
        ("/api/videos/sora/callback", MIB),
        ("/billing/buy/", 2 * MIB),
    ],
)
def test_less_is_too_much_where_no_file_is_sent(server: Server, path: str, size: int) -> None:
    assert server.send(path, SOMEBODY, body=size).status == 413


def test_others_are_answered_while_much_is_being_sent(server: Server) -> None:
    floods = [
        threading.Thread(target=server.send, args=(UPLOAD,), kwargs={"body": 1024 * MIB})
        for _ in range(4)
    ]
    for flood in floods:
        flood.start()
    answered = sum(server.answers() for _ in range(20))
    for flood in floods:
        flood.join(60)
    assert answered == 20


# ---- the rules ----


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        (UPLOAD, 100 * MIB + 65536),
        ("/api/videos", 100 * MIB + 65536),
        ("/v1/videos", 100 * MIB + 65536),
        ("/studio/", 100 * MIB + 65536),
        ("/api/videos/uploads", MIB),
        ("/api/tasks/user/tasks", MIB),
        ("/", MIB),
        ("/api/payments/webhook/stripe", MIB // 2),
    ],
)
def test_the_limit_is_that_of_the_address(path: str, limit: int) -> None:
    assert body_limits.limit_of(path) == limit
    asker = [(b"authorization", b"Bearer x")]
    assert [
        body_limits.refusal(path, asker, limit),
        body_limits.refusal(path, asker, limit + 1),
    ] == [0, 413]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ((b"authorization", b"Bearer x"), 0),
        ((b"x-api-key", b"x"), 0),
        ((b"cookie", b"a=b; sessionid=x"), 0),
        ((b"authorization", b" "), 401),
        ((b"cookie", b"a=b; session=x"), 401),
        ((b"cookie", b"\xff;;=\x00sessionid"), 401),
        ((b"x-forwarded-user", b"alice"), 401),
    ],
)
def test_a_large_body_needs_something_that_can_be_checked(
    header: tuple[bytes, bytes], status: int
) -> None:
    assert body_limits.refusal(UPLOAD, [header], 2 * MIB) == status
    assert body_limits.refusal(UPLOAD, [header], MIB) == 0


class Asked:
    """The guard in front of an application that reads everything and answers 200."""

    def __init__(self, *parts: Any, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self.parts, self.heard = list(parts), b""
        self.told: list[Any] = []
        self.scope = {"type": "http", "path": "/api/x", "headers": headers or []}

    async def receive(self) -> Any:
        if not self.parts:
            await asyncio.Event().wait()  # for ever
        return {"type": "http.request", "body": self.parts.pop(0), "more_body": True}

    async def send(self, message: Any) -> None:
        self.told.append(message)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] != "http.disconnect":
            self.heard += message["body"]

    async def status(self) -> int:
        await body_limits.BodyLimits(self.app)(self.scope, self.receive, self.send)
        return int(self.told[0]["status"])


def test_given_up_when_nothing_more_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limits, "IDLE_SECONDS", 0.01)
    asked = Asked(b"a", b"b")
    assert (async_to_sync(asked.status)(), asked.heard) == (408, b"ab")


def test_nothing_is_heard_beyond_the_limit(
    monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    monkeypatch.setattr(body_limits, "LINGER_SECONDS", 0.01)
    asked = Asked(bytes(MIB), b"x", b"y", b"z")
    assert (async_to_sync(asked.status)(), len(asked.heard)) == (413, MIB)
