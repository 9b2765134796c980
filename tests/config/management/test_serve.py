"""`manage.py serve` as a separate process: first run, production and reload."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import httpx2
import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from tests import migrated
from tests.config.production import PRODUCTION
from tests.config.serve_process import ServeProcess, serving


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    folder = tmp_path_factory.mktemp("first")
    password = bcrypt.hashpw(b"old-secret", bcrypt.gensalt(10)).decode()
    users = folder / "users.json"
    users.write_text(json.dumps([{"id": "user_1", "username": "vera", "password": password}]))
    own = {"USERS_FILE": str(users), "SANDBOX_SPEED": "0", "SANDBOX_DETAIL": "draft"}
    own["RATE_SIGN_IN"] = "off"  # the tests sign in more often than five times
    with serving(folder, "--first-run", **own) as served:
        served.wait(lambda: "Ctrl-C" in served.log.read_text())
        yield served


def test_first_run_creates_accounts_and_prints_their_passwords(first_run: ServeProcess) -> None:
    lines = [" ".join(line.split()) for line in first_run.log.read_text().splitlines()]
    assert f"Firstlight is ready: {first_run.url}" in lines
    assert "Staff admin / admin at /admin/, from this machine only: change it" in lines
    assert [first_run.login("admin", "admin"), first_run.login("demo", "demo-firstlight")] == [
        200,
        200,
    ]


def test_users_file_is_imported_at_the_first_run(first_run: ServeProcess) -> None:
    assert [first_run.login("vera", "old-secret"), first_run.login("vera", "wrong")] == [200, 401]


def test_ordered_clips_are_rendered_when_only_the_port_and_the_folder_are_changed(
    first_run: ServeProcess,
) -> None:
    body = {"username": "demo", "password": "demo-firstlight"}
    token = httpx2.post(f"{first_run.url}/api/auth/login", json=body).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}

    def statuses() -> list[str]:
        listed = httpx2.get(f"{first_run.url}/api/videos", headers=headers).json()["videos"]
        return [video["status"] for video in listed]

    first_run.wait(lambda: statuses() == ["completed"] * 4)


def test_websocket_is_not_compressed_when_the_browser_offers_it(first_run: ServeProcess) -> None:
    body = {"username": "demo", "password": "demo-firstlight"}
    token = httpx2.post(f"{first_run.url}/api/auth/login", json=body).json()["token"]
    with connect(
        f"{first_run.url.replace('http', 'ws', 1)}/ws/videos/",
        subprotocols=[Subprotocol("bearer"), Subprotocol(token)],
        compression="deflate",
    ) as socket:
        assert socket.request
        assert socket.response
        assert "permessage-deflate" in socket.request.headers["Sec-WebSocket-Extensions"]
        assert "Sec-WebSocket-Extensions" not in socket.response.headers


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    own = {**PRODUCTION, "ALLOWED_HOSTS": "127.0.0.1", "DRAIN_SECONDS": "0"}
    folder = tmp_path_factory.mktemp("production")
    migrated.copy_to(folder / "data")
    with serving(folder, "--first-run", **own) as served:
        yield served


def test_first_run_creates_no_account_in_production(production: ServeProcess) -> None:
    assert [production.login("admin", "admin"), production.login("demo", "demo-firstlight")] == [
        401,
        401,
    ]
    assert "admin" not in production.log.read_text()


def test_static_files_are_cacheable_forever_in_production(production: ServeProcess) -> None:
    page = httpx2.get(f"{production.url}/accounts/login/")
    assert page.status_code == 200
    stylesheet = re.search(r'href="(/static/css/app\.[0-9a-f]{12}\.css)"', page.text)
    assert stylesheet
    answer = httpx2.get(production.url + stylesheet[1])
    assert (answer.status_code, answer.headers["Cache-Control"]) == (
        200,
        "max-age=315360000, public, immutable",
    )


def test_server_restarts_when_a_module_changes(tmp_path: Path) -> None:
    module = tmp_path / "sitecustomize.py"
    module.write_text("")
    migrated.copy_to(tmp_path / "data")
    with serving(tmp_path, "--reload", PYTHONPATH=str(tmp_path)) as served:
        served.wait(lambda: "is ready" in served.log.read_text())
        touched = [0.0]

        def restarted() -> bool:
            # The first look at the files may come after the first change, and then misses it.
            if time.monotonic() > touched[0] + 20:
                touched[0] = time.monotonic()
                changed = module.stat().st_mtime + 10
                os.utime(module, (changed, changed))
            return served.log.read_text().count("is ready") == 2

        served.wait(restarted)
        assert served.answers()
