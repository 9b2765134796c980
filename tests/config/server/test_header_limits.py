"""Clients that do not finish the header of a request, sent to a real server."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import LazySettings

from tests.conftest import ServerThread

HALF = b"GET / HTTP/1.1\r\nHost: a.example\r\nX-"
REST = b"One: 1\r\n\r\n"


async def hello(scope: Any, receive: Any, send: Any) -> None:
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
