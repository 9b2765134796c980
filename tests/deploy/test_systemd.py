"""deploy/systemd: the units of one machine."""

import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from config.lib import liveness

FOLDER = Path(settings.BASE_DIR) / "deploy" / "systemd"
UNITS = sorted(FOLDER.iterdir())
STAYING = ("firstlight", "firstlight-worker", "firstlight-beat")


def section(name: str, title: str = "Service") -> dict[str, str]:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(FOLDER / name)
    return dict(unit[title])


def test_units_run_the_processes_of_the_product() -> None:
    services = [unit.stem for unit in UNITS if unit.suffix == ".service"]
    commands = {name: shlex.split(section(f"{name}.service")["ExecStart"]) for name in services}
    assert {name: " ".join(words).split(" --")[0] for name, words in commands.items()} == {
        "firstlight": "/srv/firstlight/.venv/bin/python manage.py serve",
        "firstlight-worker": "/srv/firstlight/.venv/bin/celery -A config.celery worker",
        "firstlight-beat": "/srv/firstlight/.venv/bin/celery -A config.celery beat",
        "firstlight-backup": "/srv/firstlight/.venv/bin/python manage.py backup",
    }
    assert {"serve", "backup"} <= set(get_commands())


@pytest.mark.parametrize("name", STAYING)
def test_process_is_restarted_when_it_ends_or_hangs(name: str) -> None:
    unit = section(f"{name}.service")
    assert (unit["Type"], unit["Restart"], unit["User"]) == ("notify", "always", "firstlight")
    assert int(unit["WatchdogSec"]) >= 4 * liveness.REPORT_SECONDS
    assert int(unit["TimeoutStopSec"]) > 5 + settings.SHUTDOWN_SECONDS
    assert unit["Environment"] == f"DATA_DIR=/var/lib/{unit['StateDirectory']}"
    assert {"MemoryMax", "TasksMax"} <= unit.keys()


def test_backup_is_made_every_night() -> None:
    timer = section("firstlight-backup.timer", "Timer")
    assert timer == {"OnCalendar": "*-*-* 03:15:00 UTC", "Persistent": "true"}
    folder = re.search(r"--to (\S+)", section("firstlight-backup.service")["ExecStart"])
    assert folder
    assert folder[1] == section("firstlight-backup.service")["ReadWritePaths"]


def verified(folder: Path) -> str:
    """Return what systemd says about the units, whose programs are those of this machine."""
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is not installed (Debian: systemd)"
    here = str(Path(sys.executable).parent)
    for unit in UNITS:
        text = unit.read_text().replace("/srv/firstlight/.venv/bin", here)
        (folder / unit.name).write_text(text)
    command = [program, "verify", "--man=no", *sorted(map(str, folder.iterdir()))]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


@pytest.mark.thorough
def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    assert verified(tmp_path) == ""


@pytest.mark.thorough
def test_systemd_says_when_a_unit_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = tmp_path / "wrong.service"
    wrong.write_text("[Service]\nExecStrat=/bin/true\n")
    monkeypatch.setattr(sys.modules[__name__], "UNITS", [wrong])
    (tmp_path / "units").mkdir()
    assert "ExecStrat" in verified(tmp_path / "units")
