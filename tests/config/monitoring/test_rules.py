"""The alert rules and the dashboard under deploy/monitoring/ name metrics that there are."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from tests.config.monitoring.scrape import Scrape

FOLDER = Path(settings.BASE_DIR) / "deploy/monitoring"
NAME = re.compile(r"\bfirstlight_\w+")
# Of PostgreSQL alone, or written once an audit has run, or once something was counted.
NOT_ALWAYS = {
    "firstlight_audit_age_seconds",
    "firstlight_audit_problems",
    "firstlight_database_connections",
    "firstlight_database_pool",
    "firstlight_engine_errors_total",
}
SOURCES = ("config/monitoring/figures.py", "config/lib/metrics/counters.py")


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def queries() -> dict[str, str]:
    """Return every query by what asks it."""
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    shown = {
        f"{panel['title']} {target['refId']}": str(target["expr"])
        for panel in panels
        for target in panel["targets"]
    }
    return shown | {rule["alert"]: str(rule["expr"]) for rule in rules()}


def test_every_metric_that_is_named_exists(scrape: Callable[[], Scrape]) -> None:
    from config.lib.metrics import counting

    counting.poll("named")
    counting.video_ended("named", "succeeded")
    counting.credits_moved("spent", 1)
    counting.request("named", "GET", 200, 0.1)
    named = {name for query in queries().values() for name in NAME.findall(query)}
    assert named - scrape().names - NOT_ALWAYS == set()
    written = "".join((Path(settings.BASE_DIR) / source).read_text() for source in SOURCES)
    short = {name.removeprefix("firstlight_").removesuffix("_total") for name in NOT_ALWAYS}
    assert [name for name in short if f'"{name}"' not in written] == []


def test_every_rule_says_what_is_wrong_and_what_to_do() -> None:
    found = rules()
    assert len({rule["alert"] for rule in found}) == len(found) >= 15
    assert [set(rule["annotations"]) for rule in found] == [{"summary", "action"}] * len(found)
    assert {rule["labels"]["severity"] for rule in found} == {"page", "ticket"}
    document = (Path(settings.BASE_DIR) / "docs/monitoring.md").read_text()
    assert [rule["alert"] for rule in found if rule["alert"] not in document] == []


def test_brackets_of_every_query_close() -> None:
    for name, query in queries().items():
        for left, right in ("()", "{}", "[]"):
            assert query.count(left) == query.count(right), name


def test_panels_have_numbers_and_places_of_their_own() -> None:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)


@pytest.mark.thorough
def test_prometheus_accepts_rules_and_configuration(tmp_path: Path) -> None:
    tool = shutil.which("promtool")
    assert tool, "install Debian's package prometheus"
    for file in ("alerts.yml", "prometheus.yml"):
        shutil.copy(FOLDER / file, tmp_path)
    (tmp_path / "token").write_text("t")
    checked = subprocess.run(
        [tool, "check", "config", "prometheus.yml"],
        check=False,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (checked.returncode, "16 rules found" in checked.stdout) == (0, True), checked.stderr
