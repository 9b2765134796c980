"""The rules of the house, read off its own files."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings, settings
from django.core.management import call_command, get_commands, load_command_class
from django.urls import URLPattern, get_resolver

from accounts.models import User
from accounts.people import signup
from config.ops import checks

ROOT = Path(settings.BASE_DIR)
APPS = ("accounts", "billing", "config", "videos", "showcase")
MODULES = [
    path
    for app in APPS
    for path in sorted((ROOT / app).rglob("*.py"))
    if "migrations" not in path.parts
]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
FORBIDDEN = {
    "utils", "helpers", "common", "core", "services", "selectors", "managers", "constants", "enums",
    "exceptions", "signals", "mixins",
}  # fmt: skip
WRITES = {"update", "create", "get_or_create", "update_or_create", "bulk_update"}
READERS = {"env", "text", "flag", "number", "listing", "span", "secret"}
READ_IN_SETTINGS = {name for reading in settings.READINGS for name in reading.names}


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def writes_a_status(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(t, ast.Attribute) and t.attr == "status" for t in targets)
    if isinstance(node, ast.Call):
        name = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        return name in {*WRITES, "Video"} and any(k.arg == "status" for k in node.keywords)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.search(r"(?i)\b(update|insert\s+into)\s+videos_video\b", node.value) is not None
    return False


def test_only_the_life_of_a_video_writes_its_status() -> None:
    writers = {
        short(path)
        for path in MODULES
        if path.parts[len(ROOT.parts)] in {"videos", "config", "showcase"}
        and "sandbox" not in path.parts
        and any(writes_a_status(node) for node in ast.walk(ast.parse(path.read_text())))
    }
    assert writers == {"videos/jobs/state_machine.py"}


def test_no_module_has_a_name_that_says_nothing() -> None:
    found = [short(p) for p in MODULES if FORBIDDEN & {p.stem, p.parent.name}]
    urls = [short(p) for p in MODULES if p.name == "urls.py" and p.parent.name != "config"]
    assert (found, urls, (ROOT / "config" / "settings").exists()) == ([], [], False)


# One page each by design: all that is read from the environment, and the schema of an app.
TOO_LONG = {"config/settings.py", "videos/models.py"}


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    files = {short(path): path for path in MODULES if short(path) not in TOO_LONG}
    lengths = {name: len(path.read_text().splitlines()) for name, path in files.items()}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


@pytest.mark.parametrize("path", TEMPLATES, ids=short)
def test_a_template_has_no_style_script_or_handler_of_its_own(path: Path) -> None:
    text = path.read_text()
    inline = re.findall(r"(?is)<script(?![^>]*\bsrc=)[^>]*>", text)
    inline = [tag for tag in inline if 'type="application/json"' not in tag]
    attributes = re.findall(r"(?i)<[^>%]*\s(style|on[a-z]+)\s*=", text)
    foreign = re.findall(r"(?i)\b(?:src|srcset|action)=[\"']?(?:https?:)?//", text)
    assert (inline, attributes, foreign) == ([], [], [])
    assert "<style" not in text.lower()


def read_names() -> Iterator[str]:
    """Every name that settings.py may read, also where it did not come to that."""
    yield from READ_IN_SETTINGS
    for node in ast.walk(ast.parse((ROOT / "config" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in READERS:
            values = [a.value for a in node.args if isinstance(a, ast.Constant)]
            yield from (value for value in values if isinstance(value, str))


def test_every_setting_stands_in_the_example() -> None:
    words = set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", (ROOT / ".env.example").read_text()))
    assert sorted(set(read_names()) - words) == []


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_names_no_address(name: str) -> None:
    assert re.findall(r"https?://\S+", (ROOT / name).read_text()) == []


def api_paths() -> list[str]:
    routes = [str(p.pattern) for p in get_resolver().url_patterns if isinstance(p, URLPattern)]
    routes = [route for route in routes if route.startswith(("api/", "health"))]
    named = [re.sub(r"<\w+:(?:\w+_)?(\w+)>", r"{\1}", route) for route in routes]
    return sorted({f"/{route}" for route in named})


@pytest.mark.parametrize("path", api_paths())
def test_every_address_of_the_api_is_documented(path: str) -> None:
    assert re.search(rf"{re.escape(path)}(?![\w/{{-])", (ROOT / "docs" / "api.md").read_text())


@pytest.mark.django_db
def test_the_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


# ---- production ----

PRODUCTION = {
    "ENVIRONMENT": "production",
    "ENV_FILE": os.devnull,
    "SECRET_KEY": "s" * 40,
    "JWT_SECRET_KEY": "j" * 40,
    "ALLOWED_HOSTS": "example.com",
    "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
    "OPENAI_API_KEY": "k",
    "SANDBOX": "0",
}


def start(tmp_path: Path, code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    whole = {**kept, **PRODUCTION, "DATA_DIR": str(tmp_path), **environment}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=whole,
        capture_output=True,
        text=True,
        check=False,
    )


SET_UP = """
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


def test_the_sandbox_is_not_even_loaded_in_production(tmp_path: Path) -> None:
    ended = start(tmp_path, SET_UP)
    assert (ended.stdout.splitlines(), ended.returncode) == (["no such address", "[]"], 0), (
        ended.stderr
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
assert "videos.tasks.tick" in app.tasks
"""
READY = """
import os, sys, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
{code}
from django.core import checks
from django.urls import get_resolver
checks.run_checks()
get_resolver().url_patterns
print(sorted({{"autobahn", "daphne", "twisted"}}.intersection(sys.modules)))
"""


@pytest.mark.parametrize("code", [SERVE, WORKER], ids=["serve", "worker"])
@pytest.mark.parametrize("environment", ["production", "development"])
def test_no_server_and_no_worker_imports_daphne(
    tmp_path: Path, code: str, environment: str
) -> None:
    ended = start(tmp_path, READY.format(code=code), ENVIRONMENT=environment)
    assert (ended.stdout, ended.returncode) == ("[]\n", 0), ended.stderr


def test_runserver_is_served_by_daphne() -> None:
    assert get_commands()["runserver"] == "config"
    command: Any = load_command_class("config", "runserver")
    assert command.server_cls.__module__ == "daphne.server"


@pytest.mark.parametrize("name", ["SECRET_KEY", "JWT_SECRET_KEY"])
def test_production_does_not_start_without_a_secret(tmp_path: Path, name: str) -> None:
    ended = start(tmp_path, "import config.settings", **{name: ""})
    assert ended.returncode != 0
    assert f"{name}: required in production" in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "many"), ("DEBUG", "perhaps"), ("JWT_EXPIRES_IN", "soon"), ("ENVIRONMENT", "x")],
)
def test_nothing_starts_with_a_value_that_cannot_be_read(
    tmp_path: Path, name: str, value: str
) -> None:
    ended = start(tmp_path, "import config.settings", **{name: value})
    assert ended.returncode != 0
    assert f"{name}: " in ended.stderr


def test_a_command_is_refused_when_production_is_unsafe(tmp_path: Path) -> None:
    code = (
        "import runpy, sys\n"
        "sys.argv = ['manage.py', 'check']\n"
        "runpy.run_path('manage.py', run_name='__main__')"
    )
    ended = start(tmp_path, code, ALLOWED_HOSTS="*")
    assert ended.returncode != 0
    assert "ALLOWED_HOSTS is *: list the hosts." in ended.stderr


def test_the_application_is_refused_when_production_is_unsafe(tmp_path: Path) -> None:
    code = "import uvicorn\nuvicorn.run('config.asgi:application', port=0)"
    ended = start(tmp_path, code, ALLOWED_HOSTS="*")
    assert ended.returncode != 0
    assert "ALLOWED_HOSTS is *: list the hosts." in ended.stderr


FIRST_PASSWORD = """
import asyncio, os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
django.setup()
from django.core.management import call_command, get_commands, load_command_class
from accounts.people import signup
call_command("migrate", verbosity=0)
signup.open_account("admin", "", "admin", is_staff=True, is_superuser=True)

async def load():
    import config.asgi

asyncio.run(load())
"""


def test_the_application_is_refused_while_the_first_password_works(tmp_path: Path) -> None:
    ended = start(tmp_path, FIRST_PASSWORD)
    assert ended.returncode != 0
    assert "The user admin still has the password admin." in ended.stderr


@pytest.fixture
def production(settings: LazySettings, db: None) -> LazySettings:
    """A production that may start."""
    settings.PRODUCTION, settings.DEBUG, settings.SANDBOX = True, False, False
    settings.ALLOWED_HOSTS = ["example.com"]
    settings.SECRET_KEY, settings.JWT_SECRET = "s" * 40, "j" * 40
    return settings


def refusals() -> list[str]:
    return [str(message.msg) for message in checks.check_production(None)]


def test_production_starts_when_all_is_well(production: LazySettings) -> None:
    assert refusals() == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DEBUG", True, "DEBUG is on"),
        ("SANDBOX", True, "SANDBOX is on"),
        ("ENGINES", {}, "No engine is configured"),
        ("ALLOWED_HOSTS", ["example.com", "*"], "ALLOWED_HOSTS is *"),
        ("SECRET_KEY", "s" * 31, "at least 32"),
        ("JWT_SECRET", "j" * 31, "at least 32"),
        ("JWT_SECRET", "s" * 40, "must differ"),
    ],
)
def test_production_is_refused(
    production: LazySettings, name: str, value: object, words: str
) -> None:
    setattr(production, name, value)
    [refusal] = refusals()
    assert words in refusal


def test_production_is_refused_while_the_first_password_works(production: LazySettings) -> None:
    signup.open_account("admin", "", "admin", is_staff=True, is_superuser=True)
    assert refusals() == ["The user admin still has the password admin."]
    User.objects.update(is_active=False)
    assert refusals() == []


def test_nothing_is_refused_outside_production(production: LazySettings) -> None:
    production.PRODUCTION, production.ALLOWED_HOSTS, production.SANDBOX = False, ["*"], True
    assert refusals() == []
