"""`manage.py serve` as a process of its own: the first start, and starting again."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import httpx2
import pytest
from django.conf import settings

from tests.backing import free_port
from tests.test_house import PRODUCTION


class Served:
    """The process, what it has said so far, and an address to ask it at."""

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.said = folder / "said"
        own = {"PORT": str(port), "DATA_DIR": str(folder / "data"), "PATH": os.environ["PATH"]}
        with self.said.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "serve", *arguments],
                cwd=settings.BASE_DIR,
                env={"ENV_FILE": os.devnull, **own, **environment},
                stdout=out,
                stderr=out,
            )

    def wait(self, done: Callable[[], object], seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        while not done():
            assert self.process.poll() is None, self.said.read_text()
            assert time.monotonic() < until, self.said.read_text()
            time.sleep(0.1)

    def answers(self) -> bool:
        try:
            return httpx2.get(f"{self.url}/health").status_code == 200
        except httpx2.TransportError:
            return False

    def login(self, name: str, password: str) -> int:
        body = {"username": name, "password": password}
        return httpx2.post(f"{self.url}/api/auth/login", json=body).status_code


@contextmanager
def serving(folder: Path, *arguments: str, **environment: str) -> Iterator[Served]:
    served = Served(folder, *arguments, **environment)
    try:
        served.wait(served.answers)
        yield served
    finally:
        served.process.terminate()
        served.process.wait(20)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("first")
    password = bcrypt.hashpw(b"old-secret", bcrypt.gensalt(10)).decode()
    users = folder / "users.json"
    users.write_text(json.dumps([{"id": "user_1", "username": "vera", "password": password}]))
    own = {"USERS_FILE": str(users), "SANDBOX_SPEED": "0", "SANDBOX_DETAIL": "draft"}
    with serving(folder, "--first-run", **own) as served:
        served.wait(lambda: "Ctrl-C" in served.said.read_text())
        yield served


def test_the_first_start_makes_people_and_says_what_to_change(first: Served) -> None:
    lines = [" ".join(line.split()) for line in first.said.read_text().splitlines()]
    assert f"Firstlight is ready: {first.url}" in lines
    assert "Staff admin / admin at /admin/, from this machine only: change it" in lines
    assert [first.login("admin", "admin"), first.login("demo", "demo-firstlight")] == [200, 200]


def test_people_of_the_users_file_are_there_after_the_start(first: Served) -> None:
    assert [first.login("vera", "old-secret"), first.login("vera", "wrong")] == [200, 401]


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    own = {**PRODUCTION, "ALLOWED_HOSTS": "127.0.0.1"}
    with serving(tmp_path_factory.mktemp("production"), "--first-run", **own) as served:
        yield served


def test_nobody_is_made_in_production(production: Served) -> None:
    assert [production.login("admin", "admin"), production.login("demo", "demo-firstlight")] == [
        401,
        401,
    ]
    assert "admin" not in production.said.read_text()


def test_production_serves_files_that_may_be_kept_for_ever(production: Served) -> None:
    page = httpx2.get(f"{production.url}/accounts/login/")
    assert page.status_code == 200
    sheet = re.search(r'href="(/static/css/app\.[0-9a-f]{12}\.css)"', page.text)
    assert sheet
    kept = httpx2.get(production.url + sheet[1])
    assert (kept.status_code, kept.headers["Cache-Control"]) == (
        200,
        "max-age=315360000, public, immutable",
    )


def test_a_changed_module_starts_it_again(tmp_path: Path) -> None:
    module = tmp_path / "sitecustomize.py"
    module.write_text("")
    with serving(tmp_path, "--reload", PYTHONPATH=str(tmp_path)) as served:
        served.wait(lambda: "is ready" in served.said.read_text())
        changed = module.stat().st_mtime + 10
        os.utime(module, (changed, changed))
        served.wait(lambda: served.said.read_text().count("is ready") == 2)
        assert served.answers()
