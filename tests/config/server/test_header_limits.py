"""Clients that do not finish the header of a request, sent to a real server."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.conf import LazySettings

from tests.conftest import ServerThread

HALF = b"GET / HTTP/1.1\r\nHost: a.example\r\nX-"
REST = b"One: 1\r\n\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
    while scope["path"] == "/read" and (await receive()).get("more_body"):
        pass
    headers = [(b"content-length", b"5")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture(scope="module")
def server() -> Iterator[ServerThread]:
    with ServerThread(hello) as serving:
        yield serving


@pytest.fixture(autouse=True)
def _short(settings: LazySettings) -> None:
    settings.HEADER_SECONDS = 0.3


@contextmanager
def connected(server: ServerThread) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), 20) as line:
        yield line


def read_all(line: socket.socket) -> bytes:
    """Return everything until the server hangs up."""
    found = b""
    while part := line.recv(65536):
        found += part
    return found


def test_answer_is_408_when_half_a_header_is_sent(server: ServerThread) -> None:
    with connected(server) as line:
        line.sendall(HALF)
        head, _, body = read_all(line).partition(b"\r\n\r\n")
    assert (head.split(b"\r\n")[0], body) == (
        b"HTTP/1.1 408 Request Timeout",
        b'{"detail": "Request timeout"}',
    )


def test_connection_is_closed_when_nothing_is_sent(server: ServerThread) -> None:
    with connected(server) as line:
        assert read_all(line) == b""


def test_answer_is_408_when_a_header_arrives_byte_by_byte(server: ServerThread) -> None:
    with connected(server) as line:
        line.settimeout(0.05)
        line.sendall(HALF)
        deadline = time.monotonic() + 20
        answer = b""
        while not answer and time.monotonic() < deadline:
            line.sendall(b"a")
            try:
                answer = line.recv(65536)
            except TimeoutError:
                pass
    assert answer.startswith(b"HTTP/1.1 408 ")


def test_answer_is_408_when_the_second_header_is_not_finished(server: ServerThread) -> None:
    with connected(server) as line:
        line.sendall(HALF + REST)
        answer = b""
        while not answer.endswith(b"hello"):
            answer += line.recv(65536)
        line.sendall(HALF)
        assert read_all(line).startswith(b"HTTP/1.1 408 ")


def test_request_is_answered_when_its_header_arrives_in_two_parts(server: ServerThread) -> None:
    with connected(server) as line:
        line.sendall(HALF)
        line.sendall(REST)
        assert line.recv(65536).startswith(b"HTTP/1.1 200 ")


def status_and_body(answer: bytes) -> tuple[bytes, bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0], body


def test_header_of_60_kib_is_read(server: ServerThread) -> None:
    with connected(server) as line:
        line.sendall(HALF + b"One: " + b"1" * 60 * 1024 + b"\r\nConnection: close\r\n\r\n")
        assert status_and_body(read_all(line)) == (b"HTTP/1.1 200 OK", b"hello")


@pytest.mark.parametrize(
    "start",
    [
        pytest.param(HALF, id="name"),
        pytest.param(HALF + b"One: ", id="value"),
        pytest.param(b"GET /", id="address"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;a=", id="chunk"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-",
            id="after the body",
        ),
    ],
)
def test_connection_is_closed_when_what_is_no_body_never_ends(
    server: ServerThread, start: bytes
) -> None:
    with connected(server) as line:
        line.sendall(start)
        with suppress(ConnectionError):
            for _ in range(1024):
                line.sendall(b"a" * 16 * 1024)
            pytest.fail("16 MB were read")


def test_body_above_the_limit_of_headers_is_read(server: ServerThread) -> None:
    with connected(server) as line:
        line.sendall(
            b"POST /read HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 200000\r\n\r\n"
        )
        line.sendall(b"a" * 200_000)
        assert status_and_body(read_all(line)) == (b"HTTP/1.1 200 OK", b"hello")


def test_two_requests_in_one_packet_are_both_answered(server: ServerThread) -> None:
    request = HALF + b"One: 1\r\n"
    with connected(server) as line:
        line.sendall(request + b"\r\n" + request + b"Connection: close\r\n\r\n")
        assert read_all(line).count(b"hello") == 2


@pytest.mark.parametrize(("upgrade", "answers"), [("h2c", 1), ("foo", 1), ("websocket", 0)])
def test_body_is_no_second_request_when_another_protocol_is_offered(
    server: ServerThread, upgrade: str, answers: int
) -> None:
    """A proxy that keeps connections would give the second answer to another user."""
    body = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    head = (
        f"POST /read HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: {upgrade}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with connected(server) as line:
        line.sendall(head.encode())
        time.sleep(0.05)
        line.sendall(body)
        line.shutdown(socket.SHUT_WR)
        assert read_all(line).count(b"HTTP/1.1 ") == answers
