"""Public walls: what moves by itself, when, and how a visitor stops it."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import MOVING, Opener

pytestmark = pytest.mark.browser
# Films that were started, whether they play yet or not.
STARTED = "[...document.querySelectorAll('[data-film]')].flatMap((card) => card.film?.src ?? [])"


def test_start_page_plays_and_its_wall_moves_under_the_pointer(tab: Opener) -> None:
    page = tab("/", **MOVING)
    expect(page.locator("video.film")).to_have_count(1)
    assert page.locator(".hero__art > video.film").evaluate("(film) => film.muted")
    card = page.locator(".gallery-item").first
    card.hover()
    expect(card.locator("video.film")).to_be_attached()
    page.mouse.move(0, 0)
    expect(card.locator("video.film")).to_have_count(0)


def test_showcase_plays_what_is_in_view_until_the_visitor_stops_it(tab: Opener) -> None:
    page = tab("/showcase/", **MOVING)
    expect(page.locator("video.film").nth(2)).to_be_attached()
    last = page.locator(".gallery-item").last
    expect(last.locator("video.film")).to_have_count(0)
    last.scroll_into_view_if_needed()
    expect(page.locator(".gallery-item").first.locator("video.film")).to_have_count(0)
    page.get_by_role("button", name="Pause moving pictures").click()
    expect(page.locator("video.film")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="Pause moving pictures", pressed=True)).to_be_visible()
    assert page.evaluate(STARTED) == []


def test_nothing_moves_for_a_visitor_who_wants_less_motion(tab: Opener) -> None:
    for path in ("/", "/showcase/"):
        page = tab(path)
        page.locator(".gallery-item").first.hover()
        expect(page.get_by_role("button", name="Pause moving pictures")).to_be_hidden()
        assert page.evaluate(STARTED) == []
