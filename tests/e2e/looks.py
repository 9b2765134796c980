"""What is wrong with a page that is open: it fits, has one title, and axe is content."""

from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Page

from tests import tiers
from tests.e2e.conftest import keep_picture

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
EVERY_RULE = {"preload": False, "rules": {"target-size": {"enabled": True}}}
# The themes differ in nothing but their colours.
COLOURS = {"preload": False, "runOnly": ["color-contrast", "link-in-text-block"]}


def looks(width: int) -> dict[str, Any]:
    return {"viewport": {"width": width, "height": 844}, "reduced_motion": "reduce"}


def check(page: Page, name: str) -> None:
    assert faults(page, name) == []


def passes(width: int, rules: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Which rules are tried in which theme.

    The short tier tries every rule on wide pages in light, the colours on narrow ones in dark.
    """
    if tiers.THOROUGH:
        return [("light", rules), ("dark", COLOURS)]
    return [("light", rules)] if width >= 1000 else [("dark", COLOURS)]


def faults(page: Page, name: str, rules: dict[str, Any] = EVERY_RULE) -> list[tuple[Any, ...]]:
    """Keep a picture of the page in either theme, and say what is wrong with it."""
    assert page.viewport_size
    width = page.viewport_size["width"]
    page.wait_for_load_state()
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    wrong: list[tuple[Any, ...]] = []
    for theme, asked in passes(width, rules):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        keep_picture(page, f"{name}-{width}-{theme}")
        found = page.evaluate("rules => axe.run(rules).then(result => result.violations)", asked)
        wrong += [(name, width, theme, v["id"], v["nodes"][0]["html"]) for v in found]
    wide = page.evaluate("document.documentElement.scrollWidth")
    titles = page.locator("h1").count()
    wrong += [(name, f"{wide} px wide, not {width}")] if wide != width else []
    return wrong + ([(name, f"{titles} titles")] if titles != 1 else [])
