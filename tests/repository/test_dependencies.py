"""Every package that our code imports is declared in pyproject.toml and locked."""

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
FOLDERS = ("accounts", "benchmarks", "billing", "config", "showcase", "tests", "videos")
# A test makes this package from our schema.
GENERATED = "firstlight_client"
DEVELOPMENT = ("benchmarks/", "tests/")
# Read and write the catalogues; only `manage.py translations`, a developer's command, imports them.
CATALOGUE_TOOLS = {"babel", "polib"}


def normalize(name: str) -> str:
    """Return the name of a distribution as PEP 503 normalizes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names(requirements: list[str]) -> set[str]:
    """Return the names in a list of requirements, without extras and versions."""
    return {normalize(re.split(r"[\[<>=!~ ;]", line)[0]) for line in requirements}


def extras(requirements: list[str]) -> set[str]:
    """Return the distributions that extras bring: `psycopg[pool]` brings psycopg-pool."""
    found = [re.match(r"([\w.-]+)\[(.*?)\]", line) for line in requirements]
    return {
        normalize(f"{match[1]}-{extra.strip()}")
        for match in found
        if match
        for extra in match[2].split(",")
    }


def locked(name: str) -> set[str]:
    return names(re.findall(r"(?m)^[\w.-]+(?:\[.*?\])?==\S+", (ROOT / name).read_text()))


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DECLARED = PROJECT["project"]["dependencies"]
RUNTIME = names(DECLARED)
DEVELOPER = names(PROJECT["dependency-groups"]["dev"])


@cache
def imported() -> dict[str, set[str]]:
    """Return the third-party packages that our files import, each with those files."""
    found: dict[str, set[str]] = {}
    for path in [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]:
        file = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text())):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in modules:
                found.setdefault(module.partition(".")[0], set()).add(file)
    return {name: files for name, files in found.items() if name not in sys.stdlib_module_names}


def undeclared() -> dict[str, list[str]]:
    """Return imported packages whose distribution is not declared where the file needs it."""
    distributions = packages_distributions()
    missing = {}
    for package, files in imported().items():
        owners = {normalize(name) for name in distributions.get(package, [package])}
        known = owners & (RUNTIME | extras(DECLARED) | CATALOGUE_TOOLS)
        if known or package in (*FOLDERS, GENERATED):
            continue
        served = [name for name in files if not name.startswith(DEVELOPMENT)]
        if served or not owners & DEVELOPER:
            missing[package] = sorted(served or files)
    return missing


def test_every_imported_package_is_declared() -> None:
    assert undeclared() == {}


def test_imports_are_read_from_every_folder() -> None:
    assert {"django", "requests", "engineio", "pytest", "jwt", "playwright"} - {
        *imported()
    } == set()


def test_catalogue_tools_are_imported_by_one_module() -> None:
    files = imported()
    served = {
        name: [file for file in files[name] if not file.startswith(DEVELOPMENT)]
        for name in CATALOGUE_TOOLS
    }
    assert {name: len(importers) for name, importers in served.items()} == {"babel": 1, "polib": 1}
    assert CATALOGUE_TOOLS <= DEVELOPER


def test_every_declared_package_is_locked() -> None:
    assert RUNTIME - locked("requirements.txt") == set()
    assert (RUNTIME | DEVELOPER) - locked("requirements-dev.txt") == set()
