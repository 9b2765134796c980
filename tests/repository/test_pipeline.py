"""What people and CI run: the commands of the Makefile, the pipeline, the guides, the licence."""

import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# The headings that each guide needs at least.
GUIDES = {
    "README.md": [],
    "CONTRIBUTING.md": ["Commands", "Rules"],
    "docs/operations.md": ["Cheat sheet", "Settings", "Backup", "Troubleshooting"],
    "docs/deploy.md": ["One process under systemd", "Docker Compose", "Kubernetes"],
    "docs/releasing.md": ["Steps", "When a release was bad", "The pipeline"],
    "docs/agents.md": ["Live updates with Socket.IO"],
    "docs/architecture.md": ["Layers", "Packages", "Processes"],
    "docs/api.md": ["Signing in", "Videos", "Tasks", "Credits", "Payments", "Errors"],
}


def recipe(target: str) -> str:
    """Return the line of a target and the commands below it."""
    found = re.search(rf"(?m)^{target}:.*\n(?:\t.*\n)*", (ROOT / "Makefile").read_text())
    assert found, target
    return found[0]


def test_pipeline_runs_all_checks_and_tests() -> None:
    pipeline = ROOT / ".ci" / "run"
    assert os.access(pipeline, os.X_OK)
    text = pipeline.read_text()
    assert {"make check", "make test", 'exit "$failed"'} <= set(
        re.findall(r'make check|make test|exit "\$failed"', text)
    )
    assert "-m tests" in recipe("test")
    assert {"lint", "types"} <= set(recipe("check").split())


@pytest.mark.parametrize("name", ["ci", "release"])
def test_workflow_of_the_forge_runs_the_pipeline_on_the_whole_history(name: str) -> None:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()
    workflow = yaml.safe_load(text)
    # YAML reads the key `on` as true.
    assert set(workflow[True]) <= {"push", "pull_request"}
    assert workflow["permissions"] == {"contents": "read"}
    [job] = workflow["jobs"].values()
    checkout = next(step for step in job["steps"] if "uses" in step)
    assert checkout["with"] == {"fetch-depth": 0}
    after = job["steps"].index({"run": "bash .ci/run"}) + 1
    assert len(job["steps"][after:]) == (2 if name == "release" else 0)
    # A machine reaches package registries by its own configuration.
    assert re.findall(r"https?://|index-url|registry", text) == []


def test_release_keeps_the_list_of_what_it_is_made_of() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    made, kept = workflow["jobs"]["checks-and-tests"]["steps"][-2:]
    assert made["run"] == 'make sbom SBOM="artifacts/firstlight-$GITHUB_REF_NAME.cdx.json"'
    assert kept["with"]["path"] == "artifacts/*.cdx.json"
    assert "tests.releases.sbom $(SBOM)" in recipe("sbom")


def test_checks_ask_for_known_vulnerabilities() -> None:
    assert "audit" in recipe("check").split()
    assert "tests.releases.advisories" in recipe("audit")


def test_checks_run_every_linter_and_strict_types() -> None:
    lint = recipe("lint")
    wanted = ["ruff check .", "ruff format --check .", "oxlint static", "lint-imports", "--dry-run"]
    wanted += ["tests.deploy.manifests", "tests.releases.expand_only"]
    assert [command for command in wanted if command not in lint] == []
    assert "mypy ." in recipe("types")
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["strict"] is True


def test_one_command_installs_and_starts() -> None:
    assert recipe("run").startswith("run: $(VENV)/.run\n")
    assert "manage.py serve --first-run" in recipe("run")
    assert "requirements.txt" in recipe(r"\$\(VENV\)/\.run")
    assert "--reload" in recipe("dev")


@pytest.mark.parametrize("path", GUIDES)
def test_guide_has_its_sections(path: str) -> None:
    headings = re.findall(r"(?m)^## (.*)$", (ROOT / path).read_text())
    assert len(headings) >= 1
    assert [heading for heading in GUIDES[path] if heading not in headings] == []


def test_licence_is_mit() -> None:
    text = " ".join((ROOT / "LICENSE").read_text().split())
    assert text.startswith("MIT License Copyright (c)")
    assert "to use, copy, modify, merge, publish, distribute, sublicense, and/or sell" in text
    assert 'THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND' in text
