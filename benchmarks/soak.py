"""`python -m benchmarks.soak --minutes 120`: what a busy product holds after hours.

A user orders videos, reads pages and lists, follows a WebSocket, downloads and deletes, without
a pause, while the memory, open files and connections of the server are noted each minute.
"""

import argparse
import itertools
import json
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import websocket

from benchmarks.figures import Figure, Goal, table
from benchmarks.process_usage import cpu_seconds, resident_mb
from tests import environment
from tests.config.serve_process import ServeProcess, serving

assert environment

# A quarter fails and is returned; the others are made.
PROMPTS = (
    "A lighthouse in a storm [[instant]]",
    "Dunes at noon [[instant]]",
    "A harbour in fog [[instant]] [[fail:moderation_blocked]]",
    "Mountains in snow [[instant]]",
)
PATHS = ("/", "/showcase/", "/pricing/", "/health", "/api/models", "/api/videos?limit=20")
PAGES = ("/studio/", "/library/", "/usage/", "/billing/", "/settings/")
KEPT = 200
# Seconds between two turns, so that a core is left for what else the machine does.
PAUSE = 1.5
START_CREDITS = 10_000_000
PASSWORD = "correct horse battery"
ENDED = {"completed", "failed", "cancelled"}
# What a server fills once (pools, caches, compiled queries) is no growth.
WARM_UP = 0.25


@dataclass
class Soak:
    """One user's work on a server, and what was counted meanwhile."""

    server: ServeProcess
    client: httpx2.Client
    browser: httpx2.Client
    token: str
    minutes: list[tuple[float, int, int]] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)
    ended: dict[str, int] = field(default_factory=dict)
    spent: int = 0

    def turn(self, prompt: str) -> None:
        """Order a video, follow it to its end, read everything once."""
        socket = self._open_socket()
        video = self._api("POST", "/api/videos", json={"prompt": prompt, "seconds": 4})
        socket.recv()
        found = self._await(video["id"])
        socket.close()
        self.ended[found["status"]] = self.ended.get(found["status"], 0) + 1
        if found["status"] == "completed":
            self.spent += found["credits"]
            content = self.client.get(f"/api/videos/{video['id']}/content", follow_redirects=True)
            assert content.content[4:8] == b"ftyp", content
        for path in PATHS:
            assert self.client.get(path).status_code == 200, path
        for path in PAGES:
            page = self.browser.get(path)
            assert page.status_code == 200, (path, self.server.log.read_text())
        self.videos.append(video["id"])
        while len(self.videos) > KEPT:
            self.client.delete(f"/api/videos/{self.videos.pop(0)}").raise_for_status()

    def _open_socket(self) -> websocket.WebSocket:
        url = self.server.url.replace("http", "ws", 1)
        socket = websocket.create_connection(
            f"{url}/ws/videos/", subprotocols=["bearer", self.token]
        )
        socket.settimeout(60)
        assert json.loads(socket.recv())["type"] == "connect"
        return socket

    def _await(self, video: str) -> dict[str, Any]:
        for _ in range(1500):
            found = self._api("GET", f"/api/videos/{video}")
            if found["status"] in ENDED:
                return found
            time.sleep(0.2)
        raise AssertionError(found)

    def _api(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        answer = self.client.request(method, path, **options)
        assert answer.status_code < 300, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def note(self, minute: float) -> None:
        pid = self.server.process.pid
        files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        self.minutes.append((minute, resident_mb(pid), files))
        print(
            f"| {minute:.0f} | {sum(self.ended.values())} | {resident_mb(pid)} | {files} |",
            flush=True,
        )

    def unaccounted_credits(self) -> int:
        """Return by how many credits the balance differs from what completed videos cost."""
        balance: int = self._api("GET", "/api/users/credits")["credits"]
        return START_CREDITS - self.spent - balance


def measure(minutes: float) -> list[Figure]:
    """Work for so long; how memory and files grew after the first quarter."""
    rates = {name: "off" for name in os.environ if name.startswith("RATE_")}
    own = {
        "LOG_LEVEL": "ERROR",
        "SANDBOX_SPEED": "0",
        "SANDBOX_DETAIL": "draft",
        "DEFAULT_USER_CREDITS": str(START_CREDITS),
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), **rates, **own) as server,
        httpx2.Client(base_url=server.url, timeout=60, trust_env=False) as client,
        httpx2.Client(base_url=server.url, timeout=60, trust_env=False) as browser,
    ):
        soak = Soak(server, client, browser, _sign_up(client))
        _sign_in(browser)
        cpu = cpu_seconds(server.process.pid)
        _work(soak, minutes)
        cpu = cpu_seconds(server.process.pid) - cpu
        missing = soak.unaccounted_credits()
    late = [each for each in soak.minutes if each[0] >= minutes * WARM_UP]
    print(f"{soak.ended}, {cpu:.0f} s of CPU")
    return [
        Figure("memory that a busy server gains in an hour", _slope(late, 1), "MB", Goal(value=5)),
        Figure("open files that it gains in an hour", _slope(late, 2), "files", Goal(value=5)),
        Figure("credits not accounted for after a soak", abs(missing), "credits", Goal(value=0)),
    ]


def _sign_up(client: httpx2.Client) -> str:
    user = {"username": "bench", "email": "b@example.com", "password": PASSWORD}
    token: str = client.post("/api/auth/register", json=user).json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return token


def _sign_in(browser: httpx2.Client) -> None:
    browser.get("/accounts/login/")
    form = {"login": "bench", "password": PASSWORD}
    headers = {"X-CSRFToken": browser.cookies["csrftoken"], "Referer": str(browser.base_url)}
    assert browser.post("/accounts/login/", data=form, headers=headers).status_code == 302


def _work(soak: Soak, minutes: float) -> None:
    print("| minute | videos ended | memory in MB | open files |\n|---|---|---|---|")
    began, noted = time.monotonic(), -1
    for prompt in itertools.cycle(PROMPTS):
        minute = (time.monotonic() - began) / 60
        if int(minute) > noted:
            noted = int(minute)
            soak.note(minute)
        if minute >= minutes:
            return
        soak.turn(prompt)
        time.sleep(PAUSE)


def _slope(rows: list[tuple[float, int, int]], column: int) -> float:
    """Return the growth per hour of a straight line through the values of a column."""
    fit = statistics.linear_regression([row[0] for row in rows], [row[column] for row in rows])
    return fit.slope * 60


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=120)
    print(table(measure(parser.parse_args().minutes)))
