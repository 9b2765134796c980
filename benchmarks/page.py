"""The table of figures in docs/performance.md, and the figures themselves, for the next run."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import figures

FIGURES = Path(__file__).with_name("figures.json")
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- begin: make bench -->", "<!-- end: make bench -->"


def write(found: list[figures.Figure]) -> None:
    """Replace the figures, and the part of the page between its two marks."""
    figures.save(found, FIGURES)
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    text = f"{machine()}\n\n{figures.table(found)}"
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def machine() -> str:
    """Return where and when this was measured."""
    load = os.getloadavg()[2]
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d} with Python {platform.python_version()} on"
        f" {os.cpu_count()} cores; the load average of the last 15 minutes was {load:.1f}."
    )
