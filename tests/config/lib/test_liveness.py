"""A process tells by a file, and systemd by its socket, that its loops turn."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.conf import settings as configured

from config.lib import liveness
from tests import migrated
from tests.backing import free_port


@pytest.fixture
def file(settings: LazySettings, tmp_path: Path) -> Path:
    settings.HEARTBEAT_FILE = tmp_path / "alive"
    return tmp_path / "alive"


def age(file: Path) -> float:
    return time.time() - file.stat().st_mtime


def test_file_is_touched_while_every_loop_turns(file: Path) -> None:
    liveness.note_turn("videos")
    liveness.report()
    os.utime(file, (0, 0))
    liveness.report()
    assert age(file) < 60
    liveness.note_end("videos")


def test_file_grows_old_when_a_loop_is_stuck(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    liveness.note_turn("videos")
    monkeypatch.setattr(liveness, "STUCK_SECONDS", -1.0)
    assert "videos" in liveness.stuck_loops()
    liveness.report()
    assert not file.exists()
    liveness.note_end("videos")
    assert "videos" not in liveness.stuck_loops()


def test_systemd_hears_of_start_and_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        liveness.announce_ready()
        liveness.report()
        assert [systemd.recv(64), systemd.recv(64)] == [b"READY=1", b"WATCHDOG=1"]


CELERY = ("-m", "celery", "-A", "config.celery")
COMMANDS = {
    "web": ("manage.py", "serve"),
    "worker": (*CELERY, "worker", "--pool", "solo"),
    "beat": (*CELERY, "beat", "--schedule"),
}


@pytest.mark.thorough
@pytest.mark.parametrize("role", COMMANDS)
def test_process_reports_by_its_real_command(tmp_path: Path, role: str) -> None:
    migrated.copy_to(tmp_path / "data")
    words = COMMANDS[role] + ((str(tmp_path / "beat"),) if role == "beat" else ())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(60)
        own = {
            "PATH": os.environ["PATH"],
            "PORT": str(free_port()),
            "ENV_FILE": os.devnull,
            "DATA_DIR": str(tmp_path / "data"),
            "HEARTBEAT_FILE": str(tmp_path / "alive"),
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
        }
        process = subprocess.Popen([sys.executable, *words], cwd=configured.BASE_DIR, env=own)
        try:
            heard = set[bytes]()
            while heard != {b"READY=1", b"WATCHDOG=1"}:
                heard.add(systemd.recv(64))
            assert (tmp_path / "alive").exists()
        finally:
            process.kill()
            process.wait()
