"""The documents list every setting and every path of the API; the lock files name no server."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import URLPattern, get_resolver

ROOT = Path(settings.BASE_DIR)


READING_FUNCTIONS = {"env", "text", "flag", "number", "listing", "span", "secret"}


NAMES_READ = {name for reading in settings.READINGS for name in reading.names}


def settings_names() -> Iterator[str]:
    """Return every name that settings.py may read, also those not read by this process."""
    yield from NAMES_READ
    for node in ast.walk(ast.parse((ROOT / "config" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in READING_FUNCTIONS:
            values = [a.value for a in node.args if isinstance(a, ast.Constant)]
            yield from (value for value in values if isinstance(value, str))


def test_example_file_contains_every_setting() -> None:
    words = set(re.findall(r"\b[A-Z][A-Z0-9_]+\b", (ROOT / ".env.example").read_text()))
    assert sorted(set(settings_names()) - words) == []


def test_locked_requirements_contain_no_url() -> None:
    files = sorted(ROOT.glob("requirements*.txt"))
    assert [name.name for name in files] == [
        "requirements-dev.txt",
        "requirements-uv.txt",
        "requirements.txt",
    ]
    assert [re.findall(r"https?://\S+", name.read_text()) for name in files] == [[], [], []]


def api_paths() -> list[str]:
    routes = [str(p.pattern) for p in get_resolver().url_patterns if isinstance(p, URLPattern)]
    routes = [route for route in routes if route.startswith(("api/", "health", "livez", "readyz"))]
    named = [re.sub(r"<\w+:(?:\w+_)?(\w+)>", r"{\1}", route) for route in routes]
    return sorted({f"/{route}" for route in named})


@pytest.mark.parametrize("path", api_paths())
def test_api_documentation_contains_every_path(path: str) -> None:
    assert re.search(rf"{re.escape(path)}(?![\w/{{-])", (ROOT / "docs" / "api.md").read_text())
