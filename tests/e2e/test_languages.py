"""Headings of languages without spaces break between words."""

import pytest

from tests.e2e.conftest import Opener

pytestmark = pytest.mark.browser
# How the first heading of a section may break, and what the style sheet says about words.
HEADING = """() => {
  const heading = document.querySelector("main h2");
  const parts = heading.innerHTML.trim().split("<wbr>");
  return [parts, getComputedStyle(heading).wordBreak];
}"""
WITHOUT_PHRASES = """
  const supports = CSS.supports.bind(CSS);
  CSS.supports = (name, value) => value !== "auto-phrase" && supports(name, value);
"""


def test_headings_break_between_words(tab: Opener) -> None:
    page = tab("/", locale="ja")
    assert page.evaluate(HEADING) == [["進み具合をライブで見られます。"], "auto-phrase"]
    # As in browsers that know words but no phrases.
    page.add_init_script(WITHOUT_PHRASES)
    page.reload()
    page.wait_for_selector("main h2.phrases")
    assert page.evaluate(HEADING) == [["進み", "具合を", "ライブで", "見られます。"], "keep-all"]
    page = tab("/", locale="zh-CN")
    page.wait_for_selector("main h2.phrases")
    assert page.evaluate(HEADING) == [["实", "时", "查看", "进度。"], "keep-all"]
