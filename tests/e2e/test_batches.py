"""Many videos at once: a list is checked and ordered, and the queue that they wait in."""

import pytest
from playwright.sync_api import FilePayload, StorageState, expect

from tests.e2e.conftest import Opener, keep_picture, wallet

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
