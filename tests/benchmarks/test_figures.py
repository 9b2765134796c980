"""Figures of the benchmarks: ratios to their floors, goals, regressions, and the page."""

from pathlib import Path

import pytest

from benchmarks import figures, page
from benchmarks.figures import Figure, Goal

CREATE = Figure("create", 6.0, "ms", Goal(ratio=2.2, value=5), 2.0, "bare Django")
SPENDS = Figure("spends", 300.0, "/s", Goal(ratio=0.4, value=250, at_least=True), 600.0, "UPDATE")


@pytest.mark.parametrize(
    ("goal", "is_met"),
    [
        (Goal(ratio=3), True),
        (Goal(ratio=2.9), False),
        (Goal(ratio=3, value=6), True),
        (Goal(ratio=3, value=5.9), False),
        (Goal(value=6, at_least=True), True),
        (Goal(ratio=3.1, at_least=True), False),
    ],
)
def test_goal_is_reached_when_value_and_ratio_reach_it(goal: Goal, is_met: bool) -> None:
    assert Figure("create", 6.0, "ms", goal, 2.0, "bare Django").is_met == is_met


def test_table_has_figure_floor_ratio_and_goal() -> None:
    idle = Figure("idle", 0.9, "% of a core", Goal(value=1))
    extra = Figure("extra", 250.0, "/s", Goal(at_least=True), 500.0, "UPDATE")
    assert figures.table([CREATE, SPENDS, idle, extra]).splitlines()[2:] == [
        "| create | 6 ms | 2 (bare Django) | 3.00 | ≤ 2.2×, ≤ 5 ms | **no** |",
        "| spends | 300 /s | 600 (UPDATE) | 0.50 | ≥ 0.4×, ≥ 250 /s | yes |",
        "| idle | 0.9 % of a core | – | – | ≤ 1 % of a core | yes |",
        "| extra | 250 /s | 500 (UPDATE) | 0.50 | – | – |",
    ]


@pytest.mark.parametrize(
    ("value", "floor", "sentences"),
    [
        (7.5, 2.0, []),
        (15.0, 4.0, []),
        (7.6, 2.0, ["create: the ratio was 3.00 and is 3.80."]),
        (6.0, 1.5, ["create: the ratio was 3.00 and is 4.00."]),
    ],
)
def test_ratio_is_a_regression_when_it_is_worse_by_more_than_a_quarter(
    value: float, floor: float, sentences: list[str]
) -> None:
    new = Figure("create", value, "ms", CREATE.goal, floor, "bare Django")
    assert figures.regressions([new], [CREATE]) == sentences


def test_rate_is_a_regression_when_it_falls_or_was_never_measured() -> None:
    slow = Figure("spends", 230.0, "/s", SPENDS.goal, 600.0, "UPDATE")
    new = Figure("new", 1.0, "/s", SPENDS.goal, 600.0, "UPDATE")
    assert figures.regressions([slow, new], [SPENDS]) == [
        "spends: the ratio was 0.50 and is 0.38.",
        "new: there is no earlier ratio.",
    ]


def test_figures_are_loaded_as_they_were_saved(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    assert figures.load(file) == []
    figures.save([CREATE, SPENDS], file)
    assert figures.load(file) == [CREATE, SPENDS]


def test_new_figures_take_the_place_of_earlier_ones() -> None:
    faster = Figure("create", 5.0, "ms", CREATE.goal, 2.0, "bare Django")
    assert figures.merge([CREATE], [SPENDS, faster]) == [faster, SPENDS]


def test_page_shows_the_saved_figures() -> None:
    saved = figures.load(page.FIGURES)
    assert saved
    assert figures.table(saved) in page.PAGE.read_text()
