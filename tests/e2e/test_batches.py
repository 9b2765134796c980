"""Many videos at once: a list is checked and ordered, and the queue that they wait in."""

import re

import pytest
from playwright.sync_api import FilePayload, StorageState, expect

from tests.e2e.conftest import Opener, keep_picture, post, wallet
from tests.e2e.looks import check, faults

pytestmark = pytest.mark.browser


def test_batch_is_checked_corrected_and_ordered_when_javascript_is_off(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/studio/", person=person, java_script_enabled=False)
    page.get_by_role("link", name="Order a batch").click()
    table = b'\xef\xbb\xbfprompt;seconds\r\n"A boat; at dusk";4\r\nA kite;5\r\n'
    file: FilePayload = {"name": "list.csv", "mimeType": "text/csv", "buffer": table}
    page.get_by_label("CSV or text file").set_input_files(file)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("1 line with a fault")).to_be_visible()
    expect(page.get_by_role("button", name="Order all")).to_be_disabled()
    expect(page.get_by_role("row").filter(has_text="A kite")).to_contain_text(
        "seconds: Sora 2 makes videos of 4, 8, 12, 16, 20 seconds."
    )
    keep_picture(page, "batch-with-a-fault")
    text = page.get_by_label("One prompt on each line, or a table (CSV)")
    text.fill(text.input_value().replace("A kite;5", "A kite [[hang]];4"))
    page.get_by_role("button", name="Check again").click()
    expect(page.locator("#total")).to_have_text("40")
    expect(page.locator("#left")).to_have_text("60")
    keep_picture(page, "batch-checked")
    page.get_by_role("button", name="Order all").click()
    expect(page.get_by_text("2 videos were ordered.")).to_be_visible()
    expect(wallet(page)).to_have_text("60")


def test_open_queue_follows_its_videos_and_cancels_all_of_them(
    tab: Opener, person: StorageState
) -> None:
    page = tab("/studio/queue/", person=person)
    expect(page.get_by_role("heading", name="Nothing waits or renders")).to_be_visible()
    lines = [{"prompt": f"A boat {n} [[hang]]", "seconds": "4"} for n in (1, 2)]
    post(page.request, "/api/videos/batch", {"videos": lines})
    # Live: the orders appear and start without a reload.
    expect(page.get_by_role("heading", name="In progress")).to_be_visible()
    expect(page.get_by_role("listitem")).to_have_count(2)
    page.get_by_role("link", name="Order a batch").click()
    page.locator("#text").fill("prompt,seconds\nA boat,4\nA kite,5")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("button", name="Order all")).to_be_disabled()
    assert faults(page, "batch-checked") == []
    page.goto("/studio/queue/")
    assert faults(page, "queue-in-progress") == []
    page.get_by_role("link", name="Cancel all").click()
    dialog = page.get_by_role("dialog", name="Cancel all?")
    expect(dialog).to_contain_text("we return 40 more credits.")
    dialog.get_by_role("button", name="Cancel everything").click()
    expect(page.get_by_text("2 videos were cancelled. 40 credits were returned.")).to_be_visible()
    expect(wallet(page)).to_have_text("100")


def test_waiting_orders_are_moved_paused_and_resumed(tab: Opener, person: StorageState) -> None:
    page = tab("/studio/queue/", person=person)
    names = ("One [[hang]]", "Two [[hang]]", "Three [[hang]]", "A kite", "A boat")
    lines = [{"prompt": name, "seconds": "4"} for name in names]
    post(page.request, "/api/videos/batch", {"videos": lines})
    waiting = page.get_by_role("region", name="2 orders wait")
    titles = waiting.locator("li a").filter(has_text="A ").filter(has_not_text="Cancel")
    expect(titles).to_have_text(["A kite", "A boat"])
    check(page, "queue-waiting")

    waiting.get_by_role("button", name=re.compile("To the front.*A boat")).press("Enter")
    expect(titles).to_have_text(["A boat", "A kite"])
    places = waiting.locator(".queue-list__place")
    waiting.get_by_role("button", name=re.compile("Pause.*A boat")).press("Enter")
    expect(places.first).to_have_text("paused")
    waiting.get_by_role("button", name=re.compile("Resume.*A boat")).press("Enter")
    expect(places.first).not_to_have_text("paused")
    waiting.get_by_role("button", name="Pause all").click()
    expect(places).to_have_text(["paused", "paused"])
    waiting.get_by_role("button", name="Resume all").click()
    expect(waiting.get_by_text("paused", exact=True)).to_have_count(0)

    # A place becomes free: what was moved to the front begins.
    page.get_by_role("link", name=re.compile("Cancel.*One")).click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel the render").click()
    expect(page.get_by_role("region", name="1 order waits")).to_contain_text("A kite")
