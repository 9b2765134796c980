"""Names and messages use the words of docs/glossary.md, not the words that the page replaces."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from config.ops import translations

ROOT = Path(settings.BASE_DIR)
# Each word that no name of ours may contain, and the word of the glossary for it.
BANNED = {
    "bell": "callback",
    "bells": "callbacks",
    "chores": "periodic tasks",
    "deed": "admin action",
    "deeds": "admin actions",
    "departure": "account deletion",
    "desk": "staff",
    "doomed": "failing",
    "letter": "e-mail",
    "letters": "e-mails",
    "mended": "repaired",
    "nursery": "process starter",
    "oracle": "model",
    "outlook": "preview",
    "proofs": "audit runs",
    "reversal": "clawback",
    "reversals": "clawbacks",
    "shelf": "collection",
    "slip": "receipt",
    "slips": "receipts",
    "stills": "frames",
    "stumble": "failure",
    "told": "notified",
    "twins": "duplicates",
    "upstream": "engine",
    "upstreams": "engines",
    "wish": "order",
    "wishes": "orders",
}
# Names that others gave: fields and codes of documented APIs, and words with another meaning.
ALLOWED = {
    "upstream_auth",  # failure codes of the documented JSON answers
    "upstream_busy",
    "upstream_error",
    "upstream_lost_job",
    "upstream_out_of_credit",
    "upstream_unavailable",
    "ascii_letters",  # of the standard library
}
MESSAGE_WORDS = {
    **{word: BANNED[word] for word in ("deed", "mended", "shelf", "upstream", "upstreams", "wish")},
    "somebody": "someone else, or the role",
    "stand-in": "sandbox",
    "the house": "the service",
    "the books": "the ledger",
}


@cache
def tracked(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


def words_of(name: str) -> set[str]:
    """Split a name at underscores, hyphens, slashes, dots and capitals."""
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return set(re.split(r"[\s_\-/.]+", parts.lower()))


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name a module defines: functions, classes, parameters, variables and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr


def replaced(name: str) -> list[str]:
    """The banned words in a name, each with its replacement."""
    if name.lower() in ALLOWED:
        return []
    return [f"{word} -> {BANNED[word]}" for word in sorted(words_of(name) & BANNED.keys())]


@pytest.mark.parametrize("folder", ["accounts", "billing", "config", "showcase", "videos"])
def test_names_use_the_glossary_when_defined_in_the_application(folder: str) -> None:
    assert banned_names(tracked(f"{folder}/*.py")) == []


@pytest.mark.parametrize("folder", ["tests", "benchmarks"])
def test_names_use_the_glossary_when_defined_in_tests_and_benchmarks(folder: str) -> None:
    assert banned_names(tracked(f"{folder}/*.py")) == []


def banned_names(files: list[str]) -> list[str]:
    found = []
    for file in files:
        tree = ast.parse((ROOT / file).read_text())
        for line, name in names_in(tree):
            found += [f"{file}:{line} {name}: {why}" for why in replaced(name)]
    return found


def test_file_names_use_the_glossary() -> None:
    files = tracked("*.py", "templates/*", "static/css/*", "static/js/*", "docs/*.md")
    assert [f"{file}: {why}" for file in files for why in replaced(file)] == []


def test_css_class_names_use_the_glossary() -> None:
    found = set()
    for file in tracked("static/css/*.css"):
        names = re.findall(r"\.([a-z][\w-]*)", re.sub(r"/\*.*?\*/", "", (ROOT / file).read_text()))
        found |= {f"{file} .{name}: {why}" for name in names for why in replaced(name)}
    assert sorted(found) == []


def test_messages_use_the_glossary() -> None:
    found = []
    for message in translations.extracted():
        text = f"{message.one} {message.many}".lower()
        found += [
            f"{text!r}: {word} -> {instead}"
            for word, instead in MESSAGE_WORDS.items()
            if re.search(rf"\b{re.escape(word)}\b", text)
        ]
    assert found == []
