"""Two web processes, three workers and two beats on one database, Redis and media folder."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx2

from tests.backing import free_port

ROOT = Path(__file__).parents[2]
WEBS = ("web-1", "web-2")
ROLES = (*WEBS, "worker-1", "worker-2", "worker-3", "beat-1", "beat-2")
CELERY = (sys.executable, "-m", "celery", "-A", "config.celery")
START_SECONDS = 120.0


class Processes:
    """The processes by name, each started by its real command; a killed one is started again."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder, self.log, self.kills = folder, folder / "log", 0
        self._ports = {name: free_port() for name in (*WEBS, "engine")}
        self.urls = [f"http://127.0.0.1:{self._ports[name]}" for name in WEBS]
        self.engine_url = f"http://127.0.0.1:{self._ports['engine']}/sandbox/v1"
        callbacks = f"{self.urls[0]}/api/webhooks/sandbox"
        self._environment = {
            **environment,
            "SANDBOX_URL": self.engine_url,
            "SANDBOX_WEBHOOK_URL": callbacks,
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._turn = threading.RLock()
        self.supervised: Counter[str] = Counter()
        self.stopping = threading.Event()

    def start_all(self) -> None:
        for name in ("engine", *ROLES):
            self.start(name)
        self.await_webs()
        threading.Thread(target=self.supervise, args=[self.stopping], daemon=True).start()

    def start(self, name: str) -> None:
        port = str(self._ports.get(name, 0))
        schedule = str(self._folder / name)
        commands = {
            "web": (sys.executable, "manage.py", "serve", "--no-migrate"),
            "worker": (*CELERY, "worker", "--pool", "threads", "--concurrency", "2", "-n", name),
            "beat": (*CELERY, "beat", "--schedule", schedule, "--pidfile", ""),
            "engine": (sys.executable, "-m", "uvicorn", "config.asgi:application",
                       "--lifespan", "off", "--port", port),
        }  # fmt: skip
        own = {"PORT": port, "PGAPPNAME": name} if name in self._ports else {"PGAPPNAME": name}
        with self._turn, self.log.open("a") as log:
            self._running[name] = subprocess.Popen(
                commands[name.partition("-")[0]],
                cwd=ROOT,
                env={**self._environment, **own},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """Kill a process with its children, as a power cut would, and start it again."""
        with self._turn:
            _end(self._running[name], signal.SIGKILL)
            self.kills += 1
            self.start(name)

    def restart(self, name: str) -> None:
        """Let a process end by itself, as an upgrade does, and start it again."""
        with self._turn:
            process = self._running[name]
            process.terminate()
            try:
                process.wait(45)
            except subprocess.TimeoutExpired:
                _end(process, signal.SIGKILL)
            self.start(name)

    def supervise(self, stop: threading.Event) -> None:
        """Start again what ended by itself: what starts while the database is away gives up."""
        while not stop.wait(1):
            with self._turn:
                for name, process in self._running.items():
                    if process.poll() is not None:
                        self.supervised[name] += 1
                        self.start(name)

    def await_webs(self) -> None:
        for url in self.urls:
            self._await(url)

    def _await(self, url: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(url):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{url} does not answer: {self.log.read_text()[-4000:]}")
            time.sleep(0.2)

    def close(self) -> None:
        self.stopping.set()
        with self._turn:
            self._end_all()

    def _end_all(self) -> None:
        for process in self._running.values():
            _end(process, signal.SIGKILL)


def _answers(url: str) -> bool:
    try:
        return httpx2.get(f"{url}/health", timeout=5, trust_env=False).status_code == 200
    except httpx2.TransportError:
        return False


def _end(process: "subprocess.Popen[bytes]", how: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, how)
        process.wait(20)
