"""Processes in production: what they load, and which settings they refuse to start with."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import get_commands, load_command_class

from tests import migrated
from tests.config.production import run_in_production, start_in_production

LOAD_EVERYTHING = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
import config.asgi, config.celery, config.urls
from django.core import checks
from django.urls import get_resolver, resolve, Resolver404
checks.run_checks()
try:
    resolve("/sandbox/v1/videos")
except Resolver404:
    print("no such address")
print(sorted(name for name in sys.modules if name.startswith("videos.sandbox")))
"""


def test_sandbox_is_not_loaded_in_production(tmp_path: Path) -> None:
    process = run_in_production(tmp_path, LOAD_EVERYTHING)
    assert (process.stdout.splitlines(), process.returncode) == (["no such address", "[]"], 0), (
        process.stderr
    )


SERVE = """
from config.management.commands import serve
serve.configuration().load()
"""


WORKER = """
import celery.apps.beat, celery.apps.worker
from config.celery import app
app.loader.import_default_modules()
app.finalize()
assert "videos.tasks.send_digests" in app.tasks
"""


LOAD_AND_CHECK = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
{code}
from django.core import checks
from django.urls import get_resolver
checks.run_checks()
get_resolver().url_patterns
print(sorted({unused}.intersection(sys.modules)))
"""
# What a server loads only when somebody asks for it, the first four of them never.
UNUSED = {
    *("autobahn", "daphne", "twisted", "sentry_sdk"),
    *("av", "boto3", "engineio", "mcp", "openai", "socketio", "stripe"),
}


@pytest.mark.parametrize("code", [SERVE, WORKER], ids=["serve", "worker"])
@pytest.mark.parametrize("environment", ["production", "development"])
def test_server_and_worker_import_no_library_that_nobody_has_asked_for(
    tmp_path: Path, code: str, environment: str
) -> None:
    program = LOAD_AND_CHECK.format(code=code, unused=UNUSED)
    process = run_in_production(tmp_path, program, ENVIRONMENT=environment)
    assert (process.stdout, process.returncode) == ("[]\n", 0), process.stderr


def test_runserver_uses_daphne() -> None:
    assert get_commands()["runserver"] == "config"
    command: Any = load_command_class("config", "runserver")
    assert command.server_cls.__module__ == "daphne.server"


WORKER_COMMAND = ("-m", "celery", "-A", "config.celery", "worker", "--pool", "solo")
BEAT_COMMAND = ("-m", "celery", "-A", "config.celery", "beat", "--schedule")


@pytest.mark.parametrize("name", ["SECRET_KEY", "JWT_SECRET_KEY"])
def test_start_is_refused_when_a_secret_is_missing_in_production(tmp_path: Path, name: str) -> None:
    process = start_in_production(tmp_path, "manage.py", "serve", **{name: ""})
    assert (process.returncode, process.stderr) == (1, f"{name}: required in production\n")
    assert list(tmp_path.iterdir()) == []


def test_worker_does_not_start_when_a_secret_is_missing_in_production(tmp_path: Path) -> None:
    process = start_in_production(tmp_path, *WORKER_COMMAND, SECRET_KEY="")
    assert (process.returncode, process.stderr) == (1, "SECRET_KEY: required in production\n")


@pytest.mark.parametrize("role", ["worker", "beat"])
def test_worker_and_beat_do_not_start_when_production_is_unsafe(tmp_path: Path, role: str) -> None:
    command = WORKER_COMMAND if role == "worker" else (*BEAT_COMMAND, str(tmp_path / "beat"))
    process = start_in_production(tmp_path, *command, SANDBOX="1", DEBUG="1")
    assert process.returncode == 1
    lines = [line.split("[-] ")[-1] for line in process.stderr.splitlines()]
    assert lines[-2:] == [
        "DEBUG is on.",
        "SANDBOX is on: the sandbox engine is for development.",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "many"), ("DEBUG", "perhaps"), ("JWT_EXPIRES_IN", "soon"), ("ENVIRONMENT", "x")],
)
def test_start_is_refused_when_a_value_is_invalid(tmp_path: Path, name: str, value: str) -> None:
    process = run_in_production(tmp_path, "import config.settings", **{name: value})
    assert process.returncode != 0
    assert f"{name}: " in process.stderr


def test_command_is_refused_when_production_is_unsafe(tmp_path: Path) -> None:
    code = (
        "import runpy, sys\n"
        "sys.argv = ['manage.py', 'check']\n"
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    process = run_in_production(tmp_path, code, ALLOWED_HOSTS="*")
    assert process.returncode != 0
    assert "ALLOWED_HOSTS is *: list the hosts." in process.stderr


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS is *: list the hosts."),
        ("SECRET_KEY", "", "SECRET_KEY: required in production"),
    ],
)
def test_application_does_not_start_when_production_is_unsafe(
    tmp_path: Path, name: str, value: str, sentence: str
) -> None:
    code = "import uvicorn\nuvicorn.run('config.asgi:application', port=0)"
    process = run_in_production(tmp_path, code, **{name: value})
    assert (process.returncode, process.stderr) == (1, f"{sentence}\n")


FIRST_PASSWORD = """
import asyncio, os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from accounts.people import signup
signup.open_account("admin", "", "admin", is_staff=True, is_superuser=True)

async def load():
    import config.asgi

asyncio.run(load())
"""


def test_application_does_not_start_when_the_first_password_works(tmp_path: Path) -> None:
    migrated.copy_to(tmp_path)
    process = run_in_production(tmp_path, FIRST_PASSWORD)
    assert process.returncode != 0
    assert "The user admin still has the password admin." in process.stderr
