"""A browser's EventSource on one of our pages."""

from typing import Any

from playwright.sync_api import Page, StorageState

from tests.e2e.conftest import Opener, make_videos

# What came, each with its name and the id that the browser saw.
LISTEN = """
  window.seen = [];
  window.source = new EventSource("/api/events");
  for (const name of ["connect", "video_update"])
    source.addEventListener(name, (event) => seen.push([name, Number(event.lastEventId),
      JSON.parse(event.data)]));
"""


def received(page: Page, *, ended: bool) -> list[Any]:
    """Return what came, once it has the first event, or the last of a video."""
    while True:
        seen: list[Any] = page.evaluate("seen")
        if seen and (seen[-1][2].get("updates", {}).get("status") == "completed") is ended:
            return seen
        page.wait_for_timeout(50)


def test_event_source_of_a_page_receives_the_updates(tab: Opener, person: StorageState) -> None:
    page = tab("/library/", person=person)
    page.evaluate(LISTEN)
    name, start, hello = received(page, ended=False)[0]
    assert (name, hello["type"], hello["seq"]) == ("connect", "connect", start)
    make_videos(page.request, "A lantern by the lake")
    # A browser that had to connect again goes on where it was.
    updates = [event for event in received(page, ended=True) if event[0] != "connect"]
    assert {(name, data["type"]) for name, _, data in updates} == {("video_update",) * 2}
    assert [number for _, number, _ in updates] == [data["seq"] for *_, data in updates]
    assert [number for _, number, _ in updates] == [start + 1 + n for n in range(len(updates))]
