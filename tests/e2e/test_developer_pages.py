"""What developers do on their pages: send a call, choose a language, and watch their requests."""

import re

import pytest
from playwright.sync_api import StorageState, expect

from tests.e2e.conftest import Opener, keep_picture

pytestmark = pytest.mark.browser


def without_engine(task: str) -> str:
    """The beginning of a task, up to its state, without the id that its engine gives it soon."""
    return re.sub(r'\n.*video_id": .*', "", task.split('"status"', maxsplit=1)[0])


def test_calls_are_shown_priced_and_sent(tab: Opener, person: StorageState) -> None:
    page = tab("/developers/", person=person)
    command, body = page.locator("#try-command"), page.locator("#try-body")
    page.get_by_label("Seconds", exact=True).select_option("4")
    expect(command).to_contain_text('{"model":"sora-2","size":"1280x720","seconds":4}')
    send = page.get_by_role("button", name=re.compile("^Send"))
    send.click()
    expect(page.locator("#try-status")).to_have_text("200")
    expect(body).to_contain_text('"credits": 20')
    page.get_by_label("Call", exact=True).select_option("order")
    expect(send).to_have_text(re.compile(r"Send\s+20\s+credits"))
    page.get_by_label("Prompt", exact=True).fill("It's a boat")
    expect(command).to_contain_text(r"""-d '{"prompt":"It'\''s a boat",""")
    send.click()
    expect(page.locator("#try-status")).to_have_text("201")
    first = body.inner_text()
    send.click()  # the same order
    expect(page.locator("#try-headers")).to_contain_text("idempotent-replayed: true")
    assert without_engine(body.inner_text()) == without_engine(first)
    keep_picture(page, "try-it")
    page.get_by_label("Call", exact=True).select_option("status")
    send.click()
    expect(page.locator("#try-status")).to_have_text("200")
    expect(body).to_contain_text("It's a boat")
    expect(page.locator("#try-headers")).to_contain_text("x-request-id: ")


def test_language_is_chosen_when_javascript_is_off(tab: Opener, person: StorageState) -> None:
    page = tab("/developers/", person=person, java_script_enabled=False)
    code = page.locator("#code-curl, #code-python, #code-openai-js, #code-fetch-js, #code-mcp")
    for language, shown in {
        "Python": ["code-python"],
        "JavaScript": ["code-openai-js", "code-fetch-js"],
        "MCP": ["code-mcp"],
        "curl": ["code-curl"],
    }.items():
        page.get_by_label(language, exact=True).check()
        visible = [each.get_attribute("id") for each in code.all() if each.is_visible()]
        assert visible == shown
    expect(page.get_by_role("heading", name="Try it")).to_be_hidden()


def test_request_appears_on_the_open_page(tab: Opener, person: StorageState) -> None:
    page = tab("/developers/keys/", person=person)
    page.get_by_label("Name").fill("Newsletter")
    page.get_by_role("button", name="Create the key").click()
    key = page.locator("#new-key").inner_text()
    page.goto("/developers/requests/")
    expect(page.get_by_text("No program has sent a request yet.")).to_be_visible()
    sent = {"Authorization": f"Bearer {key}", "X-Request-ID": "seen-live"}
    assert page.request.get("/v1/models", headers=sent).ok
    row = page.get_by_role("row").filter(has_text="seen-live")
    expect(row).to_contain_text("GET /v1/models")
    expect(row).to_contain_text("Newsletter")
    page.get_by_label("Status").select_option("5xx")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("No request matches.")).to_be_visible()
