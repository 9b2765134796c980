"""The Dockerfile: what the image is made of, what it runs, as whom and where it writes."""

import json
import tomllib
from pathlib import Path

from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)


def instructions() -> list[tuple[str, str]]:
    """Return the instructions and their arguments, without comments."""
    lines = (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    pairs = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    return [(name, rest) for name, rest in pairs]


def arguments(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def test_image_runs_the_server_on_the_documented_port() -> None:
    assert [name for name, _ in instructions()][-1] == "CMD"
    [command] = arguments("CMD")
    words = json.loads(command)
    assert words == ["python", "manage.py", "serve"]
    assert words[2] in get_commands()
    assert arguments("EXPOSE") == ["8000"]
    assert any("BIND=0.0.0.0" in line for line in arguments("ENV"))


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def test_image_has_a_python_that_the_project_supports() -> None:
    [base] = arguments("FROM")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    least = project["requires-python"].removeprefix(">=")
    assert numbers(base.removeprefix("python:").removesuffix("-slim-trixie")) >= numbers(least)


def test_image_installs_the_locked_packages_and_copies_the_project() -> None:
    assert arguments("COPY") == ["requirements.txt .", ". ."]
    assert "pip install --no-cache-dir --require-hashes -r requirements.txt" in arguments("RUN")
    assert "--hash=sha256:" in (ROOT / "requirements.txt").read_text()


def test_image_runs_without_root_and_writes_to_its_volume() -> None:
    assert arguments("USER") == ["firstlight"]
    assert arguments("VOLUME") == ["/data"]
    assert any("DATA_DIR=/data" in line for line in arguments("ENV"))
    made = next(line for line in arguments("RUN") if "useradd" in line)
    assert "chown firstlight /data /backups" in made
    # Kubernetes names the user by its number.
    assert "--uid 1000" in made


def test_image_has_the_programs_of_backups() -> None:
    assert any("install" in line and "postgresql-client" in line for line in arguments("RUN"))
