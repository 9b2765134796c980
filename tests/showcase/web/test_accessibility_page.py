"""The accessibility statement: what it says is tested has tests."""

import re
from pathlib import Path

from django.conf import LazySettings
from django.http import HttpResponse
from django.test import Client

from tests.markup import flat

E2E = Path(__file__).parents[2] / "e2e"
# How each sentence of "What is tested" begins, and what holds it.
CLAIMS = {
    "The checker axe": [
        "test_every_public_page_fits_the_screen",
        "test_every_page_of_a_signed_in_user_fits_the_screen",
        "test_every_error_page_fits_the_screen",
        "test_every_staff_page_fits_the_screen",
    ],
    "Making, remixing, comparing": [
        "test_a_video_is_made_and_deleted_with_the_keyboard_alone",
        "test_versions_are_compared_and_a_deletion_is_undone_with_the_keyboard_alone",
    ],
    "In the studio and on": ["test_controls_are_read_in_the_order_of_the_tab_key"],
    "No main page": ["test_nothing_overflows_when_the_page_is_zoomed"],
    "With forced colours": ["test_choice_focus_and_progress_are_seen_with_forced_colours"],
    "With reduced motion": ["test_nothing_moves_when_reduced_motion_is_preferred"],
    "On phones": ["test_main_controls_are_large_enough_for_a_thumb"],
}


def claims_of(answer: object) -> list[str]:
    assert isinstance(answer, HttpResponse)
    tested = re.search('<ul id="tested">(.*?)</ul>', flat(answer))
    assert tested
    return re.findall("<li>(.*?)</li>", tested[1])


def test_everything_that_is_called_tested_has_a_test(db: None) -> None:
    claims = claims_of(Client().get("/accessibility/"))
    found = [next((c for c in CLAIMS if claim.startswith(c)), claim) for claim in claims]
    assert found == list(CLAIMS)
    written = " ".join(path.read_text() for path in E2E.glob("test_*.py"))
    tests = [test for tests in CLAIMS.values() for test in tests]
    assert [test for test in tests if f"def {test}(" not in written] == []


def test_statement_says_how_far_it_goes_and_where_to_write(
    db: None, settings: LazySettings
) -> None:
    settings.SUPPORT_EMAIL = "help@example.com"
    text = flat(Client().get("/accessibility/"))
    main = text[text.index("<main") : text.index("</main>")]
    assert re.findall("<h2>(.*?)</h2>", main) == [
        "Conformance",
        "What is tested",
        "What is not tested",
        "Something does not work for you?",
    ]
    assert "(WCAG) 2.2, level AA. They conform partially" in main
    assert re.findall('href="([^"]+)"', main) == [
        "https://www.w3.org/TR/WCAG22/",
        "/feedback/",
        "mailto:help@example.com",
    ]


def test_statement_does_not_speak_of_credits_without_billing(
    db: None, settings: LazySettings
) -> None:
    settings.BILLING = False
    assert "credits" not in claims_of(Client().get("/accessibility/"))[1]
    settings.BILLING = True
    assert "buying credits" in claims_of(Client().get("/accessibility/"))[1]


def test_help_leads_to_the_statement_when_signed_in(page: Client) -> None:
    assert '<a href="/accessibility/">Accessibility</a>' in flat(page.get("/help/"))
