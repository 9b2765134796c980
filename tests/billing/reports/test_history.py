"""The lines of the credit history."""

import pytest

from billing.models import Entry
from billing.reports.history import HistoryLine

LONG = "A paper boat drifts across a still harbour at dusk, the lighthouse turning"


@pytest.mark.parametrize(
    ("description", "title"),
    [
        ("Sora 2 text-to-video (standard): A kite...", "A kite"),
        ("Returned: Sora 2 text-to-video (standard): A kite...", "A kite"),
        (f"Sora 2 text-to-video (standard): {LONG[:57].rstrip()}...", f"{LONG[:57].rstrip()}…"),
        ("Sora 2 remix (standard): Noon: the tide turns...", "Noon: the tide turns"),
    ],
)
def test_prompt_has_dots_only_when_it_was_cut(description: str, title: str) -> None:
    entry = Entry(reference_type=Entry.VIDEO_REFERENCE, description=description)
    assert HistoryLine(entry).title == title
