"""`manage.py serve` as a separate process."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
from django.conf import settings

from tests.backing import free_port
from tests.config.environment.example_file import copy_with


class ServeProcess:
    """A `serve` process with a copied .env.example, its log and its URL."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "said"
        file = copy_with(folder / ".env", PORT=str(self.port), DATA_DIR=str(folder / "data"))
        own = {"ENV_FILE": str(file), "PATH": os.environ["PATH"]}
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", *arguments],
                cwd=settings.BASE_DIR,
                env={**environment, **own},
                stdout=out,
                stderr=out,
            )

    def wait(self, done: Callable[[], object], seconds: float = 180) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/health").status_code == 200
        except httpx2.TransportError:
            return False

    def login(self, name: str, password: str) -> int:
        body = {"username": name, "password": password}
        return httpx2.post(f"{self.url}/api/auth/login", json=body, timeout=60).status_code


@contextmanager
def serving(folder: Path, *arguments: str, **environment: str) -> Iterator[ServeProcess]:
    served = ServeProcess(folder, *arguments, **environment)
    try:
        served.wait(served.answers)
        yield served
    finally:
        served.process.terminate()
        served.process.wait(20)
