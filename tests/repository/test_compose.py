"""docker-compose.yml: its structure, its variables, its commands and its volumes."""

import os
import re
import shlex
import subprocess
import time
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
# The part of the Compose specification that the file uses: each key and the type of its value.
SERVICE_KEYS = {
    "build": str,
    "command": str,
    "depends_on": dict,
    "deploy": dict,
    "env_file": str,
    "environment": dict,
    "healthcheck": dict,
    "image": str,
    "ipc": str,
    "ports": list,
    "profiles": list,
    "restart": str,
    "shm_size": str,
    "stop_grace_period": str,
    "volumes": list,
}
CONDITIONS = {"service_started", "service_healthy", "service_completed_successfully"}
RESTARTS = {"no", "always", "on-failure", "unless-stopped"}
HEALTHCHECK_KEYS = {"test", "interval", "timeout", "retries", "start_period", "start_interval"}


def test_file_has_only_keys_of_the_compose_specification() -> None:
    assert {key for key in COMPOSE if not key.startswith("x-")} == {"services", "volumes"}
    wrong = {
        (name, key)
        for name, service in SERVICES.items()
        for key, value in service.items()
        if not isinstance(value, SERVICE_KEYS.get(key, ()))
    }
    assert wrong == set()


@pytest.mark.parametrize("name", SERVICES)
def test_service_waits_only_for_services_that_reach_the_condition(name: str) -> None:
    service = SERVICES[name]
    assert service.get("restart", "no") in RESTARTS
    assert set(service.get("healthcheck", {})) <= HEALTHCHECK_KEYS
    for other, wanted in service.get("depends_on", {}).items():
        assert wanted["condition"] in CONDITIONS
        if wanted["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        if wanted["condition"] == "service_completed_successfully":
            assert SERVICES[other]["restart"] == "no"


ENGINES = {name: service for name, service in SERVICES.items() if "profiles" in service}


def test_engine_starts_only_with_its_profile_and_reserves_the_gpus() -> None:
    assert {name: service["profiles"] for name, service in ENGINES.items()} == {
        "comfyui": ["comfyui"],
        "vllm-omni": ["vllm-omni"],
    }
    for service in ENGINES.values():
        assert service["healthcheck"]["start_period"]  # a model takes minutes to load
        gpus = {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
        assert service["deploy"] == {"resources": {"reservations": {"devices": [gpus]}}}
    needed = {other for service in SERVICES.values() for other in service.get("depends_on", {})}
    assert needed & ENGINES.keys() == set()


@pytest.mark.parametrize("name", ENGINES)
def test_engine_cannot_be_reached_from_other_machines(name: str) -> None:
    ports = ENGINES[name].get("ports", [])
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


@pytest.mark.parametrize("name", ENGINES)
def test_documentation_and_file_name_the_same_address(name: str) -> None:
    [address] = re.findall(rf"(?m)^  # [A-Z_]+=(http://{name}:\d+\S*)$", TEXT)
    assert f"`{address}`" in (ROOT / "docs" / "engines.md").read_text()


def test_every_variable_is_in_the_example_file() -> None:
    used = set(re.findall(r"\$\{([A-Z_]+)", TEXT))
    shown = re.findall(r"(?m)^# ([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text())
    assert "POSTGRES_PASSWORD" in used
    assert sorted(used - set(shown)) == []


def test_every_setting_is_one_that_the_product_reads() -> None:
    read = {name for reading in settings.READINGS for name in reading.names}
    for name in OURS:
        assert set(SERVICES[name]["environment"]) - read == set()


def test_file_runs_the_processes_with_their_database_and_redis() -> None:
    assert set(SERVICES) - ENGINES.keys() == {"migrate", "postgres", "redis", *OURS}
    assert {name: SERVICES[name]["command"].split(" --")[0] for name in OURS} == {
        "migrate": "python manage.py migrate",
        "web": "python manage.py serve",
        "worker": "celery -A config.celery worker",
        "beat": "celery -A config.celery beat",
        "backup": "sh deploy/backup.sh",
    }
    assert SERVICES["web"]["ports"] == ["${PORT:-8000}:8000"]
    for name in OURS:
        environment = SERVICES[name]["environment"]
        assert environment["DATABASE_URL"].split("@")[1] == "postgres:5432/firstlight"
        assert (environment["REDIS_URL"], environment["PORT"]) == ("redis://redis:6379/0", "8000")
    assert SERVICES["postgres"]["image"].startswith("postgres:")
    assert SERVICES["redis"]["image"].startswith("redis:")


@pytest.mark.parametrize("name", OURS)
def test_service_runs_a_command_that_exists(name: str) -> None:
    words = shlex.split(SERVICES[name]["command"])
    if words[0] == "celery":
        assert words[1:3] == ["-A", "config.celery"]
        assert words[3] in {"worker", "beat"}
    elif words[0] == "sh":
        assert os.access(ROOT / words[1], os.X_OK)
    else:
        assert words[:2] == ["python", "manage.py"]
        assert words[2] in get_commands()


@pytest.mark.parametrize("folder", ["DATA_DIR", "VIDEOS_DIR"])
def test_every_service_keeps_its_files_on_the_same_volume(folder: str) -> None:
    for name in OURS:
        path = PurePosixPath(SERVICES[name]["environment"][folder])
        on = [
            volume
            for volume, target in (mount.split(":")[:2] for mount in SERVICES[name]["volumes"])
            if path.is_relative_to(target)
        ]
        assert on == ["data"]


def test_every_named_volume_is_declared() -> None:
    named = {mount.split(":")[0] for s in SERVICES.values() for mount in s.get("volumes", [])}
    assert named == set(COMPOSE["volumes"])


def test_every_service_that_stays_has_a_healthcheck() -> None:
    checked = {name for name, service in SERVICES.items() if service.get("healthcheck")}
    assert {name for name, service in SERVICES.items() if service["restart"] != "no"} == checked


def test_every_service_but_engines_has_limits() -> None:
    for name in SERVICES.keys() - ENGINES.keys():
        assert set(SERVICES[name]["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}


@pytest.mark.parametrize(("age", "code"), [(5, 0), (120, 1)])
def test_process_is_unhealthy_when_its_file_is_old(tmp_path: Path, age: int, code: int) -> None:
    file = SERVICES["worker"]["environment"]["HEARTBEAT_FILE"]
    for name in ("worker", "beat"):
        kind, command = SERVICES[name]["healthcheck"]["test"]
        assert kind == "CMD-SHELL"
        assert file in command
        alive = tmp_path / name
        alive.touch()
        os.utime(alive, (time.time() - age,) * 2)
        # Compose reads $$ as $.
        shell = command.replace("$$", "$").replace(file, str(alive))
        assert subprocess.run(["sh", "-c", shell], check=False).returncode == code


def test_processes_have_time_to_stop_in_order() -> None:
    needed = 5 + settings.SHUTDOWN_SECONDS  # DRAIN_SECONDS of production
    for name in ("web", "worker"):
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > needed
