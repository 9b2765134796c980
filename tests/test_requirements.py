"""docs/requirements.md names a test or file for each requirement, docs/review.md for each fault."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
NUMBERS = [
    *(f"A{n:02}" for n in range(1, 99)),
    *(f"B{n:02}" for n in range(1, 70)),
    *(f"C{n:02}" for n in range(1, 62)),
    *(f"K{n}" for n in range(1, 31)),
]
# Requirements that are not or not completely met. A number leaves this list when a test shows
# it, and does not come back unnoticed.
NOT_YET = {
    "B65",
}  # fmt: skip
ROWS = re.findall(
    r"(?m)^\| ([ABCK]\d+) \| ([^|]+) \| ([^|]+) \|$",
    (ROOT / "docs" / "requirements.md").read_text(),
)


def named_in(path: Path) -> set[str]:
    """Return the names of the test functions in a file."""
    found = [node for node in ast.walk(ast.parse(path.read_text())) if is_test(node)]
    return {node.name for node in found if isinstance(node, ast.FunctionDef)}


def is_test(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test_")


def test_every_requirement_is_listed_once() -> None:
    assert [number for number, _, _ in ROWS] == NUMBERS


def test_missing_requirements_are_the_known_ones() -> None:
    assert {number for number, _, where in ROWS if "not yet" in where.lower()} == NOT_YET


@pytest.mark.parametrize(("number", "where"), [(n, where) for n, _, where in ROWS])
def test_referenced_tests_and_files_exist(number: str, where: str) -> None:
    references = re.findall(r"`([^`]+)`", where.partition("**not yet**")[0])
    assert references or number in NOT_YET
    for reference in references:
        assert_exists(reference)


def assert_exists(reference: str) -> None:
    path, _, name = reference.partition("::")
    assert (ROOT / path).is_file(), path
    assert not name or name in named_in(ROOT / path), reference
    assert bool(name) == path.startswith("tests/"), reference


def test_review_lists_every_fault_and_its_tests_exist() -> None:
    text = (ROOT / "docs" / "review.md").read_text()
    assert re.findall(r"(?m)^\| (\d+) \| ", text) == [str(n) for n in range(1, 26)]
    rows = re.findall(r"(?m)^\| \d+ \| .*$", text)
    assert [row for row in rows if "`tests/" not in row and "no test" not in row] == []
    for reference in re.findall(r"`(tests/[^`]+)`", text):
        assert_exists(reference)
