"""Releases as processes on one database and one DATA_DIR, and users who talk to each."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.backing import free_port
from tests.faults.processes import wait_until

# Whatever a test orders is answered at once; no limit is the subject.
SETTINGS = {
    "SANDBOX_SPEED": "20",
    "LEASE_SECONDS": "2",
    "POLL_SECONDS": "0.5",
    "POLL_MAX_SECONDS": "1",
    "LOG_LEVEL": "WARNING",
    "ENV_FILE": os.devnull,
    **dict.fromkeys(
        ("RATE_SIGN_IN", "RATE_AUTH", "RATE_GENERATE", "RATE_TASKS", "RATE_OTHER"), "off"
    ),
    "RATE_ANONYMOUS": "off",
}
PASSWORD = "a-long-enough-secret"


@dataclass
class Release:
    """The files of a release, what it is started with, and its server."""

    tree: Path
    environment: dict[str, str]
    port: int = field(default_factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *words: str) -> str:
        """Run a management command to its end; return what it said."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=self.tree, env=self._own(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *command: str) -> None:
        """Start the server, or another command that listens at the port, and wait for it."""
        log = Path(self.environment["DATA_DIR"]) / f"log-{self.port}"
        with log.open("ab") as said:
            self._process = process = subprocess.Popen(
                [sys.executable, *(command or ("manage.py", "serve", "--no-migrate"))],
                cwd=self.tree, env=self._own(), stdout=said, stderr=said,
            )  # fmt: skip
        wait_until(lambda: process.poll() is not None or self.status("/livez") == 200, "a server")
        assert process.poll() is None, log.read_text()[-4000:]

    def stop(self) -> None:
        """Stop in order, as an upgrade does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            assert self._process.wait(60) == 0
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def status(self, path: str) -> int:
        try:
            return httpx2.get(self.url + path, timeout=10).status_code
        except httpx2.TransportError:
            return 0

    def _own(self) -> dict[str, str]:
        own = {"PATH": os.environ["PATH"], "PORT": str(self.port)}
        return {**SETTINGS, **self.environment, **own}


class Person:
    """A user, who may talk to any release that serves the same database."""

    def __init__(self, name: str, at: Release) -> None:
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        self._token = ""
        self.name, self._token = name, self.call(at, "POST", "/api/auth/register", body)["token"]

    def sign_in(self, at: Release) -> None:
        body = {"username": self.name, "password": PASSWORD}
        self._token = self.call(at, "POST", "/api/auth/login", body)["token"]

    def order(self, at: Release, prompt: str) -> str:
        body = {"prompt": prompt, "model": "sora-2", "seconds": "4"}
        return str(self.call(at, "POST", "/api/videos", body)["id"])

    def wait_for(self, at: Release, video: str) -> str:
        """Wait until a video has ended; return its status."""
        until = time.monotonic() + 90
        while (status := self._status(at, video)) not in {"completed", "failed"}:
            assert time.monotonic() < until, status
            time.sleep(0.2)
        return status

    def _status(self, at: Release, video: str) -> str:
        return str(self.call(at, "GET", f"/api/videos/{video}")["status"])

    def credits(self, at: Release) -> int:
        return int(self.call(at, "GET", "/api/users/credits")["credits"])

    def videos(self, at: Release) -> dict[str, str]:
        listed = self.call(at, "GET", "/api/videos")["videos"]
        return {video["id"]: video["status"] for video in listed}

    def file(self, at: Release, video: str) -> bytes:
        return self._send(at, "GET", f"/api/videos/{video}/content").content

    def delete(self, at: Release, video: str) -> None:
        self.call(at, "DELETE", f"/api/videos/{video}")

    def call(self, at: Release, method: str, path: str, body: Any = None) -> dict[str, Any]:
        return dict(self._send(at, method, path, body).json())

    def _send(self, at: Release, method: str, path: str, body: Any = None) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        answer = httpx2.request(method, at.url + path, json=body, headers=headers, timeout=60)
        assert answer.status_code in {200, 201}, answer.text
        return answer
