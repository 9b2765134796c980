"""The connections of polls: kept, bounded, and no danger to the key or the memory."""

import gzip
import resource
import socket
import threading
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress

import pytest

from tests.verification.engines.conftest import polling
from videos.engines import http_answers, http_connections, poll_loop
from videos.engines.base import Job, JobState
from videos.engines.errors import BadAnswer, EngineError, Unavailable
from videos.engines.http_answers import Answer
from videos.engines.poll_loop import PollAddress, PollLoop

OK = b"HTTP/1.1 200 OK\r\n"
Speak = Callable[[socket.socket, int], None]


class AnyEngine:
    """An engine whose jobs say what the last answer was."""

    def __init__(self, url: str) -> None:
        self.poll_address = PollAddress(
            url, {"Authorization": "Bearer k", "User-Agent": "Firstlight"}
        )
        self.answers: list[Answer] = []

    def poll_target(self, job_id: str) -> str:
        return f"/jobs/{job_id}"

    def read_poll(self, job_id: str, answer: Answer) -> Job:
        self.answers.append(answer)
        return Job(answer.body.decode(), JobState.RUNNING)


class RawServer:
    """Sends bytes for each request, and counts connections and requests."""

    def __init__(self, *answers: bytes, closes_after: int = 0) -> None:
        self._answers, self._closes_after = answers, closes_after
        self.requests: list[bytes] = []
        self.connections = self.most_at_once = self._open = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        seen, answered = b"", 0
        with connection, suppress(OSError):  # the client may leave in the middle
            while data := connection.recv(65536):
                seen += data
                while b"\r\n\r\n" in seen:
                    head, _, seen = seen.partition(b"\r\n\r\n")
                    self.requests.append(head)
                    self._open += 1
                    self.most_at_once = max(self.most_at_once, self._open)
                    self._pause()
                    for part in self._answers:
                        connection.sendall(part)
                        threading.Event().wait(0.01)
                    self._open -= 1
                    answered += 1
                    if answered == self._closes_after:
                        return

    def _pause(self) -> None:
        """Wait before an answer."""

    def close(self) -> None:
        self._listening.close()


@contextmanager
def serving(*answers: bytes, closes_after: int = 0) -> Iterator[RawServer]:
    server = RawServer(*answers, closes_after=closes_after)
    yield server
    server.close()


def with_length(body: bytes, *lines: bytes) -> bytes:
    head = OK + b"Content-Length: %d\r\n" % len(body) + b"".join(line + b"\r\n" for line in lines)
    return head + b"\r\n" + body


CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answers", "closes_after"),
    [
        ((with_length(b"hello"),), 0),
        ((CHUNKED + b"2\r\nhe\r\n", b"3\r\nllo\r\n0\r\n\r\n"), 0),
        ((OK + b"\r\nhel", b"lo"), 1),
        ((with_length(gzip.compress(b"hello"), b"Content-Encoding: gzip"),), 0),
    ],
)
def test_answer_is_read_whatever_form_it_has(answers: tuple[bytes, ...], closes_after: int) -> None:
    with serving(*answers, closes_after=closes_after) as server, polling() as poll:
        engine = AnyEngine(server.url)
        assert [poll(engine, "1").id for _ in range(2)] == ["hello", "hello"]
        assert server.connections == (2 if closes_after else 1)


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", OK + b"no colon\r\n\r\n", CHUNKED + b"zz\r\n"]
)
def test_what_is_no_answer_is_refused_and_its_connection_closed(answer: bytes) -> None:
    with serving(answer) as server, polling() as poll:
        engine = AnyEngine(server.url)
        for _ in range(2):
            with pytest.raises(BadAnswer, match="not HTTP") as caught:
                poll(engine, "1")
            assert "Bearer" not in caught.value.detail
        assert (server.connections, engine.answers) == (2, [])


@pytest.mark.parametrize("answer", [CHUNKED + b"2\r\nhe\r\n", OK + b"Content-Length: 9\r\n\r\nhe"])
def test_poll_fails_when_the_answer_is_cut_off(answer: bytes) -> None:
    with serving(answer, closes_after=1) as server, polling() as poll:
        engine = AnyEngine(server.url)
        with pytest.raises(Unavailable, match="no whole answer"):
            poll(engine, "1")
        assert (len(server.requests), engine.answers) == (1, [])


def test_too_large_an_answer_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_answers, "MAX_BYTES", 1000)
    for answer in (CHUNKED + b"7d0\r\n" + b"x" * 2000, with_length(b"x" * 2000)):
        with serving(answer) as server, polling() as poll, pytest.raises(BadAnswer, match="large"):
            poll(AnyEngine(server.url), "1")


def test_compressed_answer_is_refused_before_all_of_it_is_in_memory() -> None:
    packer = zlib.compressobj(9, wbits=31)
    start = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    mebibyte = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    gigabyte = start + 1023 * mebibyte  # a block that refers to no other may be repeated
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bomb = with_length(gigabyte, b"Content-Encoding: gzip")
    with serving(bomb) as server, polling() as poll, pytest.raises(BadAnswer, match="large"):
        poll(AnyEngine(server.url), "1")
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 4 * http_answers.MAX_BYTES


def test_request_has_the_headers_of_the_engine() -> None:
    with serving(with_length(b"hello")) as server, polling() as poll:
        poll(AnyEngine(server.url), "1")
        first, *lines = server.requests[0].decode().split("\r\n")
        assert first == "GET /jobs/1 HTTP/1.1"
        assert {
            "Host: " + server.url.removeprefix("http://"),
            "Authorization: Bearer k",
            "User-Agent: Firstlight",
        } <= set(lines)


def test_no_cookie_is_kept() -> None:
    with serving(with_length(b"hello", b"Set-Cookie: a=b")) as server, polling() as poll:
        engine = AnyEngine(server.url.replace("127.0.0.1", "localhost"))
        for _ in range(2):
            poll(engine, "1")
        assert [b"Cookie" in request for request in server.requests] == [False, False]


def test_redirect_is_not_followed() -> None:
    with serving(with_length(b"other")) as other:
        moved = f"HTTP/1.1 302 Found\r\nLocation: {other.url}/\r\nContent-Length: 0\r\n\r\n"
        with serving(moved.encode()) as server, polling() as poll:
            engine = AnyEngine(server.url)
            poll(engine, "1")
            assert ([a.status for a in engine.answers], other.requests) == ([302], [])


def test_poll_is_repeated_once_when_the_server_has_closed_the_kept_connection() -> None:
    with serving(with_length(b"hello"), closes_after=1) as server, polling() as poll:
        engine = AnyEngine(server.url)
        for count in (1, 2, 3):
            assert poll(engine, "1").id == "hello"
            assert server.connections == count
        assert len(server.requests) == 3


def test_poll_fails_when_the_server_is_away_or_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "ANSWER_SECONDS", 0.4)
    monkeypatch.setattr(http_connections, "CONNECT_SECONDS", 0.2)
    with serving() as silent, polling() as poll:
        with pytest.raises(Unavailable, match="in time"):
            poll(AnyEngine(silent.url), "1")
        with pytest.raises(Unavailable, match="no connection"):
            poll(AnyEngine("http://127.0.0.1:1"), "1")
        with pytest.raises(Unavailable, match="no connection"):
            poll(AnyEngine("https://" + silent.url.removeprefix("http://")), "1")


def test_slow_bytes_of_an_answer_do_not_extend_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_connections, "ANSWER_SECONDS", 0.3)
    drops = [CHUNKED, *[b"1\r\nx\r\n"] * 200]
    with serving(*drops) as server, polling() as poll, pytest.raises(Unavailable, match="in time"):
        poll(AnyEngine(server.url), "1")


def test_waiting_for_a_connection_is_no_part_of_the_answers_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_connections, "ANSWER_SECONDS", 0.6)
    monkeypatch.setattr(poll_loop, "CONNECTIONS", 1)
    with serving(OK + b"Content-Length: 10\r\n\r\n", *[b"x"] * 10) as server:
        assert {job.id for job in _many(AnyEngine(server.url), 8)} == {"x" * 10}


def test_connections_of_an_engine_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll_loop, "CONNECTIONS", 3)
    with serving(with_length(b"hello")) as server:
        assert {job.id for job in _many(AnyEngine(server.url), 30)} == {"hello"}
        assert (server.connections, len(server.requests)) == (3, 30)
        assert server.most_at_once <= 3


def _many(engine: AnyEngine, count: int) -> list[Job]:
    """Poll so many jobs at once. Raises AssertionError for an error among the results."""
    loop = PollLoop(lambda error: Unavailable(repr(error)))
    futures: list[Future[Job | EngineError]] = [Future() for _ in range(count)]
    loop.poll([(engine, "1", future) for future in futures])
    found = [future.result(10) for future in futures]
    loop.close()
    jobs = [job for job in found if isinstance(job, Job)]
    assert len(jobs) == count, found
    return jobs


@pytest.mark.parametrize(
    ("environment", "takes"),
    [
        ({}, True),
        ({"HTTPS_PROXY": "http://proxy:3128"}, False),
        ({"ALL_PROXY": "http://proxy:3128"}, False),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "engine.example.com"}, True),
    ],
)
def test_engine_behind_a_proxy_is_polled_by_the_client_that_knows_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], takes: bool
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert poll_loop.takes(AnyEngine("https://engine.example.com/v1")) is takes
    assert not poll_loop.takes(object())
