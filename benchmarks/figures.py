"""What benchmarks measure: figures, each with its goal and, where there is one, its floor.

A floor is the least that the work could cost, measured in the same run: bare Django, a bare UPDATE,
nginx. Ratios to floors can be compared between machines, and between runs of a busy one; absolute
figures cannot.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

# By how much a ratio may become worse before it counts as a regression.
TOLERANCE = 1.25


@dataclass(frozen=True)
class Goal:
    """What a figure and its ratio to the floor have to reach: at most, or `at_least`."""

    value: float | None = None
    ratio: float | None = None
    at_least: bool = False

    def is_met(self, value: float, ratio: float | None) -> bool:
        pairs = [(self.value, value), (self.ratio, ratio)]
        return all(
            found is not None and (found >= limit if self.at_least else found <= limit)
            for limit, found in pairs
            if limit is not None
        )

    @property
    def is_set(self) -> bool:
        return self.value is not None or self.ratio is not None

    def words(self, unit: str) -> str:
        sign = "≥" if self.at_least else "≤"
        value = [] if self.value is None else [f"{sign} {self.value:,g} {unit}"]
        ratio = [] if self.ratio is None else [f"{sign} {self.ratio:g}×"]
        return ", ".join([*ratio, *value])


@dataclass(frozen=True)
class Figure:
    """One measured figure, with the floor of the same run."""

    name: str
    value: float
    unit: str
    goal: Goal
    floor: float | None = None
    floor_name: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.floor if self.floor else None

    @property
    def is_met(self) -> bool:
        return self.goal.is_met(self.value, self.ratio)


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a table in Markdown."""
    head = "| what | measured | floor | ratio | goal | reached |\n|---|---|---|---|---|---|"
    return "\n".join([head, *map(_row, figures)])


def regressions(figures: Iterable[Figure], earlier: Iterable[Figure]) -> list[str]:
    """Return a sentence for each ratio that cannot be compared, or is worse by over TOLERANCE."""
    before = {figure.name: figure.ratio for figure in earlier}
    found = []
    for figure in figures:
        old, new = before.get(figure.name), figure.ratio
        if new and not old:
            found.append(f"{figure.name}: there is no earlier ratio.")
        elif old and new and (old / new if figure.goal.at_least else new / old) > TOLERANCE:
            found.append(f"{figure.name}: the ratio was {old:.2f} and is {new:.2f}.")
    return found


def merge(earlier: Iterable[Figure], found: Iterable[Figure]) -> list[Figure]:
    """Return the earlier figures, each replaced by a new one of the same name; new ones follow."""
    by_name = {figure.name: figure for figure in earlier} | {each.name: each for each in found}
    return list(by_name.values())


def save(figures: Iterable[Figure], path: Path) -> None:
    rows = [asdict(figure) for figure in figures]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n")


def load(path: Path) -> list[Figure]:
    rows: list[dict[str, Any]] = json.loads(path.read_text()) if path.exists() else []
    return [Figure(**{**row, "goal": Goal(**row["goal"])}) for row in rows]


def _row(figure: Figure) -> str:
    floor = f"{_number(figure.floor)} ({figure.floor_name})" if figure.floor else "–"
    ratio = f"{figure.ratio:.2f}" if figure.ratio else "–"
    reached = "–"
    if figure.goal.is_set:
        reached = "yes" if figure.is_met else "**no**"
    measured = f"{_number(figure.value)} {figure.unit}"
    goal = figure.goal.words(figure.unit) or "–"
    return f"| {figure.name} | {measured} | {floor} | {ratio} | {goal} | {reached} |"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
