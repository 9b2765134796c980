"""The installed app: what it shows without a network."""

from playwright.sync_api import Browser, StorageState, expect

READY = "navigator.serviceWorker.ready.then(() => undefined)"


def test_page_says_that_there_is_no_connection_and_comes_back(
    site: str, chromium: Browser, person: StorageState
) -> None:
    # The browser itself complains of a page without a network, so this is no `tab`.
    context = chromium.new_context(base_url=site, storage_state=person)
    page = context.new_page()
    page.goto("/library/")
    page.evaluate(READY)
    page.reload()  # from now on the service worker answers
    context.set_offline(True)
    page.goto("/usage/")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("No connection")
    sheets = "[...document.styleSheets].map((sheet) => sheet.cssRules.length > 0)"
    assert page.evaluate(sheets) == [True, True]
    context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    expect(heading).to_have_text("Usage and cost")
    context.close()
