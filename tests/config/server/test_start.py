"""`manage.py serve` says in one line why it cannot start; several that start at once take turns."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured

from config.environment.env import local_host
from config.server import listening, start_lock
from tests.config.production import start
from tests.config.serve_process import ServeProcess


@pytest.fixture
def taken() -> Iterator[int]:
    """A port at which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_server_ends_before_it_changes_anything_when_its_port_is_taken(
    tmp_path: Path, taken: int
) -> None:
    ended = start(
        "manage.py", "serve", ENV_FILE="/dev/null", DATA_DIR=str(tmp_path), PORT=str(taken)
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        1,
        "",
        (
            f"Port {taken} of 127.0.0.1 cannot be used: another program uses it."
            f" Stop that one, or set PORT={taken + 1}.\n"
        ),
    )
    assert not (tmp_path / "firstlight.sqlite3").exists()


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("PORT", "abc", "PORT: 'abc' is not usable: expected a whole number\n"),
        ("PORT", "0", "PORT: '0' is not usable: expected at least 1 and at most 65535\n"),
        (
            "DATA_DIR",
            "/dev/null/data",
            (
                "DATA_DIR: no file can be created in /dev/null/data: Not a directory."
                " Choose another folder.\n"
            ),
        ),
        (
            "VIDEOS_DIR",
            "/proc/videos",
            (
                "VIDEOS_DIR: no file can be created in /proc/videos: No such file or directory."
                " Choose another folder.\n"
            ),
        ),
    ],
)
def test_server_ends_with_one_line_when_a_setting_is_unusable(
    tmp_path: Path, name: str, value: str, why: str
) -> None:
    own = {"ENV_FILE": "/dev/null", "DATA_DIR": str(tmp_path), name: value}
    ended = start("manage.py", "serve", **own)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", why)


@pytest.mark.parametrize("address", ["192.0.2.1", "999.1.1.1"])
def test_address_of_another_machine_is_refused(settings: LazySettings, address: str) -> None:
    settings.BIND, settings.PORT = address, 0
    with pytest.raises(ImproperlyConfigured) as caught:
        listening.listen()
    assert str(caught.value) == (
        f"Port 0 of {address} cannot be used: this machine has no such address. Change BIND."
    )


@pytest.mark.parametrize(
    ("bind", "host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("192.168.1.7", "192.168.1.7"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
    ],
)
def test_server_calls_itself_at_the_address_where_it_listens(bind: str, host: str) -> None:
    assert local_host(bind) == host


def test_connection_waits_until_it_is_served(settings: LazySettings) -> None:
    settings.BIND, settings.PORT = "127.0.0.1", 0
    with listening.listen() as listener, socket.create_connection(listener.getsockname()) as early:
        accepted, _ = listener.accept()
        with accepted:
            accepted.sendall(b"served")
        assert early.recv(100) == b"served"


def test_second_server_waits_while_the_first_prepares_the_data(
    settings: LazySettings, tmp_path: Path
) -> None:
    settings.DATA_DIR = tmp_path
    order: list[str] = []

    def prepare_too() -> None:
        with start_lock.preparing_data():
            order.append("second")

    other = threading.Thread(target=prepare_too)
    with start_lock.preparing_data():
        other.start()
        other.join(0.2)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


@pytest.mark.thorough
def test_two_first_runs_on_one_folder_both_serve(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    servers = [ServeProcess(folder, "--first-run", DATA_DIR=data) for folder in folders]
    try:
        for served in servers:
            served.wait(served.answers)
    finally:
        for served in servers:
            served.process.terminate()
            served.process.wait(20)
