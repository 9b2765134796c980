"""`manage.py serve` is told to stop while requests and connections are under way."""

import json
import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path

import bcrypt
import httpx2
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests import migrated
from tests.config.serve_process import ServeProcess, serving

PRIVATE_HOST = {"Host": "10.1.2.3:8000"}
PASSWORD = "old-secret"
READY = (200, {"status": "ok"})
STOPPING = (503, {"detail": "This server is stopping."})


@contextmanager
def serving_vera(folder: Path, **environment: str) -> Iterator[tuple[ServeProcess, str]]:
    """A server with a user, and a token of this user."""
    users, data = folder / "users.json", folder / "data"
    data.mkdir()
    migrated.copy_to(data)
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    users.write_text(json.dumps([{"id": "user_1", "username": "vera", "password": hashed}]))
    with serving(folder, USERS_FILE=str(users), SANDBOX_SPEED="0", **environment) as served:
        body = {"username": "vera", "password": PASSWORD}
        answer = httpx2.post(f"{served.url}/api/auth/login", json=body, timeout=60)
        yield served, answer.json()["token"]


class SlowOrder:
    """An order with a picture, of which one half is sent at first."""

    def __init__(self, served: ServeProcess, token: str) -> None:
        picture = BytesIO()
        Image.effect_noise((1280, 720), 50).convert("RGB").save(picture, "JPEG")
        body = b"".join(
            (
                b'--x\r\nContent-Disposition: form-data; name="prompt"\r\n\r\nA boat\r\n',
                b'--x\r\nContent-Disposition: form-data; name="input_reference"; filename="a.jpg"',
                b"\r\nContent-Type: image/jpeg\r\n\r\n",
                picture.getvalue(),
                b"\r\n--x--\r\n",
            )
        )
        head = (
            "POST /api/videos HTTP/1.1",
            "Host: 127.0.0.1",
            f"Authorization: Bearer {token}",
            "Content-Type: multipart/form-data; boundary=x",
            f"Content-Length: {len(body)}",
            "\r\n",
        )
        self._line = socket.create_connection(("127.0.0.1", served.port), 60)
        half = len(body) // 2
        self._line.sendall("\r\n".join(head).encode() + body[:half])
        self._rest = body[half:]

    def end(self) -> bytes:
        """Send the rest; return the status line of the answer."""
        self._line.sendall(self._rest)
        with self._line:
            return self._line.recv(65536).split(b"\r\n")[0]

    def is_cut(self) -> bool:
        """Whether the server hangs up without an answer."""
        with self._line:
            try:
                return self._line.recv(65536) == b""
            except OSError:
                return True


class LongPoll(threading.Thread):
    """A Socket.IO client that waits for an event by a long poll."""

    def __init__(self, served: ServeProcess, token: str) -> None:
        super().__init__(daemon=True)
        url = f"{served.url}/socket.io/?EIO=4&transport=polling"
        opened = json.loads(httpx2.get(url).text[1:])
        self._url = f"{url}&sid={opened['sid']}"
        httpx2.post(self._url, content="40" + json.dumps({"token": token}))
        assert httpx2.get(self._url).text.startswith("40")
        self.answer = ""
        self.start()

    def run(self) -> None:
        self.answer = httpx2.get(self._url, timeout=60).text


class EventStream(threading.Thread):
    """A client of the event stream, which reads it to its end."""

    def __init__(self, served: ServeProcess, token: str) -> None:
        super().__init__(daemon=True)
        headers = {"Accept": "text/event-stream", "Authorization": f"Bearer {token}"}
        self._answer = httpx2.stream("GET", f"{served.url}/api/events", headers=headers, timeout=60)
        self._opened, self.text = threading.Event(), ""
        self.start()
        assert self._opened.wait(60)

    def run(self) -> None:
        with self._answer as answer:  # raises when the stream is cut off
            for text in answer.iter_text():
                self.text += text
                self._opened.set()
        self.text += "ended"


class WaitingAgent(threading.Thread):
    """An agent that waits for a video over MCP."""

    def __init__(self, served: ServeProcess, token: str) -> None:
        super().__init__(daemon=True)
        self._url, self._headers = served.url, {"Authorization": f"Bearer {token}"}
        ordered = httpx2.post(
            f"{self._url}/api/videos", json={"prompt": "A boat [[hang]]"}, headers=self._headers
        )
        self._video: str = ordered.json()["id"]
        self.answer = ""
        self.start()
        self.join(1)

    def run(self) -> None:
        asked = {"name": "wait_for_video", "arguments": {"video_id": self._video}}
        answer = httpx2.post(
            f"{self._url}/mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": asked},
            headers={**self._headers, "Accept": "application/json, text/event-stream"},
            timeout=60,
        )
        line = next(line for line in answer.text.splitlines() if line.startswith("data: {"))
        self.answer = json.loads(line[6:])["result"]["structuredContent"]["id"]

    @property
    def is_answered(self) -> bool:
        return self.answer == self._video


def readiness(served: ServeProcess) -> tuple[int, object]:
    answer = httpx2.get(f"{served.url}/readyz", headers=PRIVATE_HOST, timeout=60)
    return answer.status_code, answer.json()


def is_listening(served: ServeProcess) -> bool:
    try:
        socket.create_connection(("127.0.0.1", served.port), 5).close()
    except ConnectionRefusedError:
        return False
    return True


def test_running_requests_are_answered_and_sockets_reconnect_when_the_server_stops(
    tmp_path: Path,
) -> None:
    with serving_vera(tmp_path, DRAIN_SECONDS="3") as (served, token):
        order, poll = SlowOrder(served, token), LongPoll(served, token)
        events = EventStream(served, token)
        address = f"{served.url.replace('http', 'ws')}/ws/videos/"
        with connect(address, subprotocols=["bearer", token]) as live:  # type: ignore[list-item]
            assert json.loads(live.recv())["type"] == "connect"
            assert readiness(served) == READY
            served.process.send_signal(signal.SIGTERM)
            served.wait(lambda: readiness(served) != READY)
            assert readiness(served) == STOPPING
            assert httpx2.get(f"{served.url}/livez").status_code == 200
            with pytest.raises(ConnectionClosed) as closed:
                live.recv(30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        served.wait(lambda: not is_listening(served))
        poll.join(20)
        events.join(20)
        assert (events.text.count("event: connect"), events.text[-5:]) == (1, "ended")
        assert (poll.answer, order.end()) == ("6", b"HTTP/1.1 201 Created")
        assert served.process.wait(20) == 0
        # The log of API calls has also what was answered last.
        with closing(sqlite3.connect(tmp_path / "data" / "firstlight.sqlite3")) as database:
            calls = database.execute("SELECT method, path, status FROM accounts_apirequest")
            logged = [("GET", "/api/events", 200), ("POST", "/api/videos", 201)]
            assert calls.fetchall() == logged


def test_requests_are_cut_when_a_second_signal_arrives(tmp_path: Path) -> None:
    with serving_vera(tmp_path, DRAIN_SECONDS="60") as (served, token):
        order = SlowOrder(served, token)
        served.process.send_signal(signal.SIGTERM)
        served.wait(lambda: readiness(served) == STOPPING)
        served.process.send_signal(signal.SIGTERM)
        assert order.is_cut()
        served.process.wait(20)


def test_agent_that_waits_is_answered_at_once_when_the_server_stops(tmp_path: Path) -> None:
    with serving_vera(tmp_path, DRAIN_SECONDS="0") as (served, token):
        agent = WaitingAgent(served, token)
        assert agent.is_alive()
        served.process.send_signal(signal.SIGTERM)
        agent.join(10)
        assert agent.is_answered
        assert served.process.wait(10) == 0
