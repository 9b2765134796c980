"""Request bodies that are too large or anonymous, sent to real server processes of both kinds."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
from asgiref.sync import async_to_sync
from django.conf import LazySettings, settings

from config.http.headers import POLICY
from config.server import body_limits, credentials
from config.server.refusals import refusal_response
from tests import migrated
from tests.backing import free_port

MIB = 1024**2
SERVERS = {
    "uvicorn": ["uvicorn", "config.asgi:application", "--log-level", "error", "--port"],
    "daphne": ["daphne", "config.asgi:application", "-v", "0", "--port"],
}
UPLOAD = "/api/videos/upload"
FRONTEND = "https://studio.example.com"
MAX_SENT = (
    64 * MIB
)  # of 1 GiB: what socket buffers hold, and what the server reads before it closes
MAX_MEMORY_GROWTH = 32 * MIB
NO_FORM = 400  # zero bytes are read as a form, and are none
SAME_AS_OTHERS = (
    "content-security-policy",
    "cross-origin-opener-policy",
    "referrer-policy",
    "strict-transport-security",
    "vary",
    "x-content-type-options",
    "x-frame-options",
    "access-control-allow-origin",
)
JSON_BODY = json.dumps({"username": "nobody", "password": "tin-lantern"}).encode()
FORGED = {
    "token": "Authorization: Bearer nobody-s",
    "key": "X-API-Key: fl_nobody-s",
    "cookie": "Cookie: sessionid=bogus",
}
# Creates a user in the database of the servers and prints the headers that identify it.
SIGN_IN = """
import json
import django
django.setup()
from django.test import Client
from accounts.auth import api_keys, tokens
from accounts.models import Session
from accounts.people import signup
user = signup.open_account("alice", "alice@example.com", "tin-lantern")
client = Client()
client.force_login(user)
print(json.dumps({
    "token": "Authorization: Bearer " + tokens.sign_in(user, Session.Grant.PASSWORD).access,
    "key": "X-API-Key: " + api_keys.issue(user, "a", ["read"])[1],
    "cookie": "Cookie: sessionid=" + client.cookies["sessionid"].value,
}))
"""


class ServerProcess:
    """A server process with a database in this environment."""

    def __init__(self, kind: str, environment: dict[str, str]) -> None:
        self.kind, self.port = kind, free_port()
        command = [sys.executable, "-m", *SERVERS[kind], str(self.port)]
        self.process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment)
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

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

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
        top, _blank, self.body = self.answer.partition(b"\r\n\r\n")
        pairs = [text.lower().partition(": ") for text in top.decode().split("\r\n")[1:]]
        self.headers = {name: value for name, _colon, value in pairs}

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
            while not self.answer.endswith(b"}") and b"content-length: 0" not in self.answer:
                self.answer += line.recv(65536) or b"}"
        except OSError:
            pass


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of processes that share a database of their own."""
    folder = tmp_path_factory.mktemp("data")
    migrated.copy_to(folder)
    kept = {k: v for k, v in os.environ.items() if k not in {"DATABASE_URL", "REDIS_URL"}}
    return {**kept, "DATA_DIR": str(folder), "FRONTEND_URL": FRONTEND}


@pytest.fixture(scope="module")
def valid(environment: dict[str, str]) -> dict[str, str]:
    """The headers of somebody who is signed in, by token, key and cookie."""
    command = [sys.executable, "-c", SIGN_IN]
    ended = subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, check=True, capture_output=True
    )
    found: dict[str, str] = json.loads(ended.stdout)
    return found


@pytest.fixture(scope="module", params=SERVERS)
def server(request: pytest.FixtureRequest, environment: dict[str, str]) -> Iterator[ServerProcess]:
    process = ServerProcess(request.param, environment)
    yield process
    process.process.terminate()
    process.process.wait(20)


@pytest.mark.parametrize(
    ("headers", "mib", "chunked", "status", "detail"),
    [
        ([], 1024, False, 413, "Payload too large"),
        ([FORGED["token"]], 1024, False, 413, "Payload too large"),
        ([], 1024, True, 401, "Not authenticated"),
        ([FORGED["token"]], 1024, True, 401, "Not authenticated"),
        ([], 90, False, 401, "Not authenticated"),
        ([FORGED["token"]], 90, False, 401, "Not authenticated"),
        ([FORGED["key"]], 90, False, 401, "Not authenticated"),
        ([FORGED["cookie"]], 90, False, 401, "Not authenticated"),
        (["Cookie: theme=dark"], 90, False, 401, "Not authenticated"),
    ],
)
def test_body_is_refused_before_it_is_sent_when_it_is_too_large_or_not_signed_in(
    server: ServerProcess, headers: list[str], mib: int, chunked: bool, status: int, detail: str
) -> None:
    before = server.peak_memory()
    result = server.send(UPLOAD, *headers, body=mib * MIB, chunked=chunked)
    assert (result.status, result.body) == (status, f'{{"detail": "{detail}"}}'.encode())
    assert result.sent < MAX_SENT
    assert server.peak_memory() - before < MAX_MEMORY_GROWTH


def test_event_streams_hold_no_thread_and_end_with_their_clients(
    server: ServerProcess, valid: dict[str, str]
) -> None:
    name, _, value = valid["key"].partition(": ")
    headers = {"Accept": "text/event-stream", name: value}
    url = f"http://127.0.0.1:{server.port}/api/events"
    with ExitStack() as stack, httpx2.Client(headers=headers, timeout=30) as client:
        before = server.threads()
        streams = [
            stack.enter_context(client.stream("GET", url)).iter_text()
            for _ in range(settings.SOCKETS_PER_USER)
        ]
        for text in streams:
            assert next(text).startswith("retry: 3000\n\nid: 0\nevent: connect\n")
        with client.stream("GET", url) as refused:
            assert refused.status_code == 429
        assert server.threads() - before <= 2
    deadline = time.monotonic() + 20
    while httpx2.get(f"{url}?wait=1", headers={name: value}).status_code == 429:
        assert time.monotonic() < deadline


def test_upload_is_not_held_in_memory_when_a_token_is_sent(
    server: ServerProcess, valid: dict[str, str]
) -> None:
    before = server.peak_memory()
    assert server.send(UPLOAD, valid["token"], body=99 * MIB).status == NO_FORM
    # daphne passes a body on as a whole; parsing it too would need ten times as much memory.
    assert (
        server.peak_memory() - before
        < {"uvicorn": MAX_MEMORY_GROWTH, "daphne": 3 * 99 * MIB}[server.kind]
    )


@pytest.mark.parametrize("kind", ["token", "key", "cookie"])
def test_large_body_is_read_when_the_credential_is_valid(
    server: ServerProcess, valid: dict[str, str], kind: str
) -> None:
    status = {"token": NO_FORM, "key": 403, "cookie": 403}[kind]  # no scope, no CSRF token
    assert server.send(UPLOAD, valid[kind], body=2 * MIB).status == status


def test_large_body_is_refused_when_one_of_two_credentials_is_forged(
    server: ServerProcess, valid: dict[str, str]
) -> None:
    both = [valid["token"], FORGED["key"]]
    assert server.send(UPLOAD, *both, body=90 * MIB).status == 401


@pytest.mark.parametrize(
    ("path", "mib", "chunked", "status"),
    [
        ("/api/auth/login", 2, False, 413),
        ("/api/auth/login", 2, True, 413),
        (UPLOAD, 2, False, 401),
    ],
)
def test_pages_of_a_front_end_may_read_a_refusal_as_any_other_error(
    server: ServerProcess, path: str, mib: int, chunked: bool, status: int
) -> None:
    result = server.send(path, f"Origin: {FRONTEND}", body=mib * MIB, chunked=chunked)
    url = f"http://127.0.0.1:{server.port}/api/nothing"
    usual = httpx2.get(url, headers={"Origin": FRONTEND}).headers
    names = ("access-control-allow-origin", "access-control-expose-headers")
    assert result.status == status
    assert {name: result.headers.get(name) for name in names} == {
        name: usual[name].lower() for name in names
    }
    assert "origin" in result.headers["vary"].split(", ")
    assert result.headers["x-request-id"] != ""


def test_large_form_of_a_page_leads_to_the_sign_in_page_when_not_signed_in(
    server: ServerProcess,
) -> None:
    result = server.send("/studio/", FORGED["cookie"], body=3 * MIB)
    assert (result.status, b"location: /accounts/login/" in result.answer.lower()) == (303, True)


def test_chunked_body_is_refused_when_it_exceeds_the_limit(
    server: ServerProcess, valid: dict[str, str]
) -> None:
    before = server.peak_memory()
    result = server.send(UPLOAD, valid["token"], body=1024 * MIB, chunked=True)
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
    assert server.send(path, FORGED["token"], body=size).status == 413


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
    sizes = (limit, limit + 1)
    assert body_limits.limit_of(path) == limit
    assert [body_limits.is_too_large(path, size) for size in sizes] == [False, True]


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Bearer x"),
        (b"authorization", b" "),
        (b"authorization", b"Basic YTpi"),
        (b"x-api-key", b"x"),
        (b"cookie", b"a=b; sessionid=x"),
        (b"cookie", b"a=b; session=x"),
        (b"cookie", b"\xff;;=\x00sessionid"),
        (b"x-forwarded-user", b"alice"),
    ],
)
def test_forged_credentials_are_not_valid(db: None, header: tuple[bytes, bytes]) -> None:
    assert credentials.are_valid(UPLOAD, [header], "") is False


def test_sandbox_engine_has_keys_of_its_own(db: None, settings: LazySettings) -> None:
    settings.SANDBOX_API_KEYS = ["sk-sandbox"]
    sent = [[(b"authorization", b"Bearer " + key)] for key in (b"sk-sandbox", b"sk-other")]
    path = "/sandbox/v1/videos"
    assert [credentials.are_valid(path, headers, "") for headers in sent] == [True, False]


def test_refusal_has_the_headers_of_every_answer(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES, settings.SECURE_HSTS_SECONDS = 1, 60
    settings.CORS_ALLOWED_ORIGINS = ["https://studio.example.com"]
    headers = [(b"origin", b"https://studio.example.com"), (b"x-forwarded-proto", b"https")]
    scope = {"path": "/api/videos", "scheme": "http", "headers": headers}
    sent = dict(refusal_response(413, scope).headers)
    assert {name: sent[name.encode()].decode() for name in SAME_AS_OTHERS} == {
        "content-security-policy": POLICY,
        "cross-origin-opener-policy": "same-origin",
        "referrer-policy": "same-origin",
        "strict-transport-security": "max-age=60",
        "vary": "origin",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "access-control-allow-origin": "https://studio.example.com",
    }


def refuse(status: int, path: str) -> tuple[int, str, str, str]:
    refusal = refusal_response(status, {"path": path, "scheme": "http", "headers": []})
    sent = {name.decode(): value.decode() for name, value in refusal.headers}
    assert sent["content-length"] == str(len(refusal.body))
    kind = sent["content-type"].partition(";")[0]
    return refusal.status, kind, sent.get("location", ""), refusal.body.decode()


@pytest.mark.parametrize("path", ["/studio/", "/library/", "/admin/videos/video/"])
def test_browser_goes_to_the_sign_in_page_when_a_session_has_ended(path: str) -> None:
    assert refuse(401, path) == (303, "text/html", "/accounts/login/", "")


@pytest.mark.parametrize("path", [UPLOAD, "/sandbox/v1/videos", "/studio/reference/"])
def test_programs_and_scripts_read_json_when_they_are_not_signed_in(path: str) -> None:
    assert refuse(401, path) == (401, "application/json", "", '{"detail": "Not authenticated"}')


def test_sdk_reads_the_envelope_of_openai_when_the_key_is_wrong() -> None:
    status, kind, location, body = refuse(401, "/v1/videos")
    assert (status, kind, location) == (401, "application/json", "")
    assert json.loads(body)["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize(
    ("status", "detail"), [(408, "Request timeout"), (413, "Payload too large")]
)
def test_browser_shows_a_sentence_when_a_form_is_refused(status: int, detail: str) -> None:
    page = f"<!doctype html><title>{detail}</title><h1>{detail}</h1>"
    assert refuse(status, "/studio/") == (status, "text/html", "", page)


class GuardedRequest:
    """A request through BodyLimits to an application that reads the whole body."""

    def __init__(self, *parts: bytes, pause: float = 0) -> None:
        self.parts, self.received, self.pause = list(parts), b"", pause
        self.sent_messages: list[Any] = []
        self.scope: dict[str, Any] = {
            "type": "http",
            "scheme": "http",
            "path": "/api/x",
            "headers": [],
        }

    async def receive(self) -> Any:
        if not self.parts:
            await asyncio.Event().wait()  # for ever
        await asyncio.sleep(self.pause)
        return {"type": "http.request", "body": self.parts.pop(0), "more_body": True}

    async def send(self, message: Any) -> None:
        self.sent_messages.append(message)

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] != "http.disconnect":
            self.received += message["body"]

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent_messages[0]["headers"])

    async def status(self) -> int:
        await body_limits.BodyLimits(self.app)(self.scope, self.receive, self.send)
        return int(self.sent_messages[0]["status"])


def test_answer_is_408_when_the_body_stops_arriving(settings: LazySettings) -> None:
    settings.BODY_IDLE_SECONDS = 0.01
    request = GuardedRequest(b"a", b"b")
    assert (async_to_sync(request.status)(), request.received) == (408, b"ab")


def test_pages_of_a_front_end_may_read_that_the_body_stopped(settings: LazySettings) -> None:
    settings.BODY_IDLE_SECONDS, settings.CORS_ALLOWED_ORIGINS = 0.01, [FRONTEND]
    request = GuardedRequest(b"a")
    request.scope["headers"] = [(b"origin", FRONTEND.encode())]
    assert async_to_sync(request.status)() == 408
    assert request.headers[b"access-control-allow-origin"] == FRONTEND.encode()


def test_answer_is_408_when_the_body_arrives_byte_by_byte(settings: LazySettings) -> None:
    settings.BODY_IDLE_SECONDS = 0.1
    request = GuardedRequest(*[b"a"] * 100, pause=0.02)
    assert async_to_sync(request.status)() == 408
    assert len(request.received) < 20


def test_body_is_not_passed_on_when_it_exceeds_the_limit(settings: LazySettings) -> None:
    settings.BODY_LINGER_SECONDS = 0.01
    request = GuardedRequest(bytes(MIB), b"x", b"y", b"z")
    assert (async_to_sync(request.status)(), len(request.received)) == (413, MIB)


@pytest.mark.parametrize("path", ["/verify/", "/api/verify"])
def test_file_to_check_is_read_from_anybody_up_to_its_own_limit(
    settings: LazySettings, path: str
) -> None:
    settings.VERIFY_MAX_BYTES = 5 * 1024**2
    most = settings.VERIFY_MAX_BYTES + body_limits.MULTIPART_OVERHEAD_BYTES
    assert not body_limits.needs_credentials(path, most)
    assert [body_limits.is_too_large(path, size) for size in (most, most + 1)] == [False, True]
