"""Request bodies that are too large or anonymous, sent to real server processes of both kinds."""

import asyncio
import json
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

from accounts.auth import tokens
from accounts.models import Session, User
from config.server import body_limits
from tests.backing import free_port
from tests.conftest import ServerThread

MIB = 1024**2
SERVERS = {
    "uvicorn": ["uvicorn", "config.asgi:application", "--log-level", "error", "--port"],
    "daphne": ["daphne", "config.asgi:application", "-v", "0", "--port"],
}
UPLOAD = "/api/videos/upload"
MAX_SENT = (
    64 * MIB
)  # of 1 GiB: what socket buffers hold, and what the server reads before it closes
MAX_MEMORY_GROWTH = 32 * MIB
JSON_BODY = json.dumps({"username": "nobody", "password": "tin-lantern"}).encode()
UNCHECKED_TOKEN = "Authorization: Bearer nobody-s"


class ServerProcess:
    """A server process without a database."""

    def __init__(self, kind: str) -> None:
        self.kind, self.port = kind, free_port()
        command = [sys.executable, "-m", *SERVERS[kind], str(self.port)]
        self.process = subprocess.Popen(command, cwd=settings.BASE_DIR)
        deadline = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, "it ended"
            assert time.monotonic() < deadline, "it does not answer"
            time.sleep(0.05)

    def answers(self) -> bool:
        try:
            return httpx2.get(f"http://127.0.0.1:{self.port}/api/nothing").status_code == 404
        except httpx2.TransportError:
            return False

    def peak_memory(self) -> int:
        """Return the peak memory of the process in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def send(self, path: str, *headers: str, body: int, chunked: bool = False) -> "UploadResult":
        return UploadResult(self.port, path, headers, body, chunked)


class UploadResult:
    """One POST of `body` zero bytes, sent until the server answers or hangs up, and its answer."""

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
                pass  # the server hung up
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
def server(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    process = ServerProcess(request.param)
    yield process
    process.process.terminate()
    process.process.wait(20)


@pytest.mark.parametrize(
    ("headers", "mib", "chunked", "status", "detail"),
    [
        ([], 1024, False, 413, "Payload too large"),
        ([UNCHECKED_TOKEN], 1024, False, 413, "Payload too large"),
        ([], 1024, True, 401, "Not authenticated"),
        ([], 90, False, 401, "Not authenticated"),
        (["Cookie: theme=dark"], 90, False, 401, "Not authenticated"),
    ],
)
def test_body_is_refused_before_it_is_sent_when_it_is_too_large_or_anonymous(
    server: ServerProcess, headers: list[str], mib: int, chunked: bool, status: int, detail: str
) -> None:
    before = server.peak_memory()
    result = server.send(UPLOAD, *headers, body=mib * MIB, chunked=chunked)
    assert (result.status, result.body) == (status, f'{{"detail": "{detail}"}}'.encode())
    assert result.sent < MAX_SENT
    assert server.peak_memory() - before < MAX_MEMORY_GROWTH


def test_upload_is_not_held_in_memory_when_a_token_is_sent(server: ServerProcess) -> None:
    before = server.peak_memory()
    assert server.send(UPLOAD, UNCHECKED_TOKEN, body=99 * MIB).status == 401
    # daphne passes a body on as a whole; parsing it too would need ten times as much memory.
    assert (
        server.peak_memory() - before
        < {"uvicorn": MAX_MEMORY_GROWTH, "daphne": 3 * 99 * MIB}[server.kind]
    )


def test_chunked_body_is_refused_when_it_exceeds_the_limit(server: ServerProcess) -> None:
    before = server.peak_memory()
    result = server.send(UPLOAD, UNCHECKED_TOKEN, body=1024 * MIB, chunked=True)
    assert result.status == 413
    assert result.sent < 100 * MIB + MAX_SENT
    assert server.peak_memory() - before < MAX_MEMORY_GROWTH


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
def test_small_body_is_refused_when_the_path_takes_no_file(
    server: ServerProcess, path: str, size: int
) -> None:
    assert server.send(path, UNCHECKED_TOKEN, body=size).status == 413


def test_other_requests_are_answered_while_large_bodies_are_sent(server: ServerProcess) -> None:
    uploads = [
        threading.Thread(target=server.send, args=(UPLOAD,), kwargs={"body": 1024 * MIB})
        for _ in range(4)
    ]
    for upload in uploads:
        upload.start()
    answered = sum(server.answers() for _ in range(20))
    for upload in uploads:
        upload.join(60)
    assert answered == 20


# ---- without a server ----


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
def test_limit_depends_on_the_path(path: str, limit: int) -> None:
    assert body_limits.limit_of(path) == limit
    headers = [(b"authorization", b"Bearer x")]
    assert [
        body_limits.refusal_status(path, headers, limit),
        body_limits.refusal_status(path, headers, limit + 1),
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
def test_large_body_is_refused_when_no_credential_is_sent(
    header: tuple[bytes, bytes], status: int
) -> None:
    assert body_limits.refusal_status(UPLOAD, [header], 2 * MIB) == status
    assert body_limits.refusal_status(UPLOAD, [header], MIB) == 0


class GuardedRequest:
    """A request through BodyLimits to an application that reads the whole body."""

    def __init__(self, *parts: Any, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self.parts, self.received = list(parts), b""
        self.sent_messages: list[Any] = []
        self.scope = {"type": "http", "path": "/api/x", "headers": headers or []}

    async def receive(self) -> Any:
        if not self.parts:
            await asyncio.Event().wait()  # for ever
        return {"type": "http.request", "body": self.parts.pop(0), "more_body": True}

    async def send(self, message: Any) -> None:
        self.sent_messages.append(message)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] != "http.disconnect":
            self.received += message["body"]

    async def status(self) -> int:
        await body_limits.BodyLimits(self.app)(self.scope, self.receive, self.send)
        return int(self.sent_messages[0]["status"])


def test_answer_is_408_when_the_body_stops_arriving(settings: LazySettings) -> None:
    settings.BODY_IDLE_SECONDS = 0.01
    request = GuardedRequest(b"a", b"b")
    assert (async_to_sync(request.status)(), request.received) == (408, b"ab")


def test_body_is_not_passed_on_when_it_exceeds_the_limit(settings: LazySettings) -> None:
    settings.BODY_LINGER_SECONDS = 0.01
    request = GuardedRequest(bytes(MIB), b"x", b"y", b"z")
    assert (async_to_sync(request.status)(), len(request.received)) == (413, MIB)


# ---- bodies in chunks ----


def in_chunks(body: bytes) -> Iterator[bytes]:
    """Let the client send a body without Content-Length."""
    yield body[:10]
    yield body[10:]


@pytest.mark.parametrize(
    ("path", "content_type", "body", "status"),
    [
        ("/api/auth/login", "application/json", JSON_BODY, 401),
        ("/api/videos", "application/json", JSON_BODY, 401),
        ("/accounts/login/", "application/x-www-form-urlencoded", b"login=a&password=b", 403),
    ],
)
def test_body_in_chunks_is_read_like_one_with_a_length(
    live: ServerThread, path: str, content_type: str, body: bytes, status: int
) -> None:
    answers = [
        httpx2.post(f"{live.url}{path}", content=content, headers={"Content-Type": content_type})
        for content in (body, in_chunks(body))
    ]
    assert [answer.status_code for answer in answers] == [status, status]
    if status != 403:
        assert answers[0].json() == answers[1].json()


def test_order_and_upload_in_chunks_are_accepted(live: ServerThread, alice: User) -> None:
    token = {"Authorization": f"Bearer {tokens.sign_in(alice, Session.Grant.PASSWORD).access}"}
    order = json.dumps({"prompt": "A boat"}).encode()
    made = httpx2.post(
        f"{live.url}/api/videos",
        content=in_chunks(order),
        headers={**token, "Content-Type": "application/json"},
    )
    assert (made.status_code, made.json()["prompt"]) == (201, "A boat")
    form = b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nA kite\r\n--x--\r\n'
    made = httpx2.post(
        f"{live.url}/api/videos",
        content=in_chunks(form),
        headers={**token, "Content-Type": "multipart/form-data; boundary=x"},
    )
    assert (made.status_code, made.json()["prompt"]) == (201, "A kite")


@pytest.mark.parametrize("path", ["/", "/api/videos", "/health", "/accounts/login/"])
def test_unknown_method_is_405(live: ServerThread, path: str) -> None:
    answers = [httpx2.request(method, f"{live.url}{path}") for method in ("TRACE", "BREW")]
    assert [answer.status_code for answer in answers] == [405, 405]
    assert answers[0].headers["Allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"


def test_api_without_a_slash_is_a_json_404(live: ServerThread) -> None:
    answer = httpx2.get(f"{live.url}/api")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Resource not found"})
