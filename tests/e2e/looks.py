"""What is wrong with a page that is open: it fits, has one title, and axe is content."""

from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

from tests import tiers
from tests.e2e.conftest import keep_picture

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
# Of the results only rule and HTML are used, so that axe need not find selectors of each element.
BRIEF = {"preload": False, "resultTypes": ["violations"], "selectors": False, "elementRef": False}
EVERY_RULE = {**BRIEF, "rules": {"target-size": {"enabled": True}}}
# The themes differ in nothing but their colours.
COLOURS = {**BRIEF, "runOnly": ["color-contrast", "link-in-text-block"]}
VIOLATIONS = "rules => axe.run(rules).then(result => result.violations)"
HEIGHT = 844
WIDE, NARROW = 1440, 390


def check(page: Page, name: str) -> None:
    assert faults(page, name) == []


def passes(width: int, rules: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Which rules are tried in which theme.

    The short tier tries every rule on wide pages in light, the colours on narrow ones in dark.
    """
    if tiers.THOROUGH:
        return [("light", rules), ("dark", COLOURS)]
    return [("light", rules)] if width == WIDE else [("dark", COLOURS)]


def faults(
    page: Page, name: str, rules: dict[str, Any] | None = EVERY_RULE
) -> list[tuple[Any, ...]]:
    """Look at the open page wide and narrow; keep its pictures and return what is wrong with it.

    Without rules axe does not run.
    """
    page.wait_for_load_state()
    if rules and not page.evaluate("'axe' in window"):
        page.add_init_script(AXE)  # for the pages that are opened next: to send it costs 0.2 s
        page.evaluate(AXE)
    titles = page.locator("h1").count()
    wrong: list[tuple[Any, ...]] = [(name, f"{titles} titles")] if titles != 1 else []
    for width in (WIDE, NARROW):
        wrong += faults_at(page, name, width, rules)
    page.set_viewport_size({"width": WIDE, "height": HEIGHT})
    return wrong


def faults_at(
    page: Page, name: str, width: int, rules: dict[str, Any] | None
) -> list[tuple[Any, ...]]:
    page.set_viewport_size({"width": width, "height": HEIGHT})
    wrong: list[tuple[Any, ...]] = []
    for theme, asked in passes(width, rules or {}):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        keep_picture(page, f"{name}-{width}-{theme}")
        found = page.evaluate(VIOLATIONS, asked) if rules else []
        wrong += [(name, width, theme, v["id"], v["nodes"][0]["html"]) for v in found]
    wide = page.evaluate("document.documentElement.scrollWidth")
    return wrong + ([(name, f"{wide} px wide, not {width}")] if wide != width else [])
