"""Requirements, review and ASVS table name a test or file for each line, and all of those exist."""

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
# The requirements of level 1 of ASVS 5.0.0, by section.
# fmt: off
ASVS = {
    "1.2": "1 2 3 4 5", "1.3": "1 2", "1.5": "1", "2.1": "1", "2.2": "1 2", "2.3": "1",
    "3.2": "1 2", "3.3": "1", "3.4": "1 2", "3.5": "1 2 3", "4.1": "1", "4.4": "1",
    "5.2": "1 2", "5.3": "1 2", "6.1": "1", "6.2": "1 2 3 4 5 6 7 8", "6.3": "1 2",
    "6.4": "1 2", "7.2": "1 2 3 4", "7.4": "1 2", "8.1": "1", "8.2": "1 2", "8.3": "1",
    "9.1": "1 2 3", "9.2": "1", "10.4": "1 2 3 4 5", "11.3": "1 2", "11.4": "1", "12.1": "1",
    "12.2": "1 2", "13.4": "1", "14.2": "1", "14.3": "1", "15.1": "1", "15.2": "1", "15.3": "1",
}
# fmt: on
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


def test_asvs_lists_every_requirement_of_level_1_once() -> None:
    text = (ROOT / "docs" / "asvs.md").read_text()
    rows = re.findall(r"(?m)^\| (\d[\d.]+) \| [^|]+ \| ([^|]+) \| ([^|]*) \| ([^|]*) \|$", text)
    wanted = [f"{section}.{last}" for section, all_ in ASVS.items() for last in all_.split()]
    assert [number for number, _, _, _ in rows] == wanted
    assert len(wanted) == 70
    states = [state for _, state, _, _ in rows]
    assert set(states) == {"met", "partly", "operator", "not met", "n/a"}
    assert (
        ", ".join(
            f"{states.count(state)} {state}"
            for state in dict.fromkeys(("met", "partly", "operator", "not met", "n/a"))
        )
        in text
    )
    # Whatever is not met says why; whatever is met says where.
    assert [n for n, state, why, _ in rows if state != "met" and not why.strip()] == []
    assert [n for n, state, _, where in rows if state == "met" and "`" not in where] == []


@pytest.mark.parametrize("page", ["asvs", "threat-model"])
def test_security_papers_name_tests_that_exist(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text()
    references = re.findall(r"`(tests/[^`]+::[^`]+)`", text)
    assert len(references) > 10
    for reference in references:
        assert_exists(reference)
    where = re.findall(r"(?m)\| ([^|]*) \|$", text) if page == "asvs" else []
    for file in re.findall(r"`([^`]+)`", "\n".join(where)):
        assert_exists(file)
