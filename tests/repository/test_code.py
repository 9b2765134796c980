"""Rules for our code and templates, checked by reading the files."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
APPS = ("accounts", "billing", "config", "videos", "showcase")
MODULES = [
    path
    for app in APPS
    for path in sorted((ROOT / app).rglob("*.py"))
    if "migrations" not in path.parts
]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
FORBIDDEN_NAMES = {
    "utils", "helpers", "common", "core", "services", "selectors", "managers", "constants", "enums",
    "exceptions", "signals", "mixins",
}  # fmt: skip
WRITING_METHODS = {"update", "create", "get_or_create", "update_or_create", "bulk_update"}


def relative_name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def writes_a_status(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(t, ast.Attribute) and t.attr == "status" for t in targets)
    if isinstance(node, ast.Call):
        name = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        return name in {*WRITING_METHODS, "Video"} and any(k.arg == "status" for k in node.keywords)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.search(r"(?i)\b(update|insert\s+into)\s+videos_video\b", node.value) is not None
    return False


def test_only_the_state_machine_writes_the_status_of_a_video() -> None:
    writers = {
        relative_name(path)
        for path in MODULES
        if path.parts[len(ROOT.parts)] in {"videos", "config", "showcase"}
        and "sandbox" not in path.parts
        and any(writes_a_status(node) for node in ast.walk(ast.parse(path.read_text())))
    }
    # The second one writes that of media jobs.
    assert writers == {"videos/jobs/state_machine.py", "videos/editing/job_states.py"}


def test_no_module_has_a_meaningless_name() -> None:
    found = [relative_name(p) for p in MODULES if FORBIDDEN_NAMES & {p.stem, p.parent.name}]
    urls = [relative_name(p) for p in MODULES if p.name == "urls.py" and p.parent.name != "config"]
    assert (found, urls, (ROOT / "config" / "settings").exists()) == ([], [], False)


# Longer on purpose: every setting is read in one file.
TOO_LONG = {"config/settings.py", "videos/models.py"}


def test_no_module_is_longer_than_400_lines() -> None:
    files = {relative_name(path): path for path in MODULES if relative_name(path) not in TOO_LONG}
    lengths = {name: len(path.read_text().splitlines()) for name, path in files.items()}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


@pytest.mark.parametrize("path", TEMPLATES, ids=relative_name)
def test_template_has_no_inline_style_script_or_handler(path: Path) -> None:
    text = path.read_text()
    inline = re.findall(r"(?is)<script(?![^>]*\bsrc=)[^>]*>", text)
    inline = [tag for tag in inline if 'type="application/json"' not in tag]
    attributes = re.findall(r"(?i)<[^>%]*\s(style|on[a-z]+)\s*=", text)
    foreign = re.findall(r"(?i)\b(?:src|srcset|action)=[\"']?(?:https?:)?//", text)
    assert (inline, attributes, foreign) == ([], [], [])
    assert "<style" not in text.lower()
