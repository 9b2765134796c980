"""The public pages with words, and what people write to us."""

import re
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.test import Client

from accounts.models import User
from config.lib import rate_limits
from showcase import faq
from showcase.models import AbuseReport, Feedback
from tests.markup import flat
from tests.showcase.web import urls_of_errors

PAGES = [
    *("/", "/pricing/", "/help/", "/privacy/", "/terms/", "/rules/", "/accessibility/"),
    *("/report/", "/feedback/"),
]
REPORT = {"subject": "https://example.com/v/1", "reason": "person", "text": "Me", "email": ""}


@pytest.mark.parametrize("path", PAGES)
def test_public_page_is_shown_when_nobody_is_signed_in(db: None, path: str) -> None:
    text = flat(Client().get(path))
    assert [link for link in PAGES[1:] if f'href="{link}"' not in text] == []
    assert 'name="language" value="zh-hant"' in text


@pytest.mark.parametrize("language", ["en", "ja", "zh-hans"])
def test_each_language_has_its_name_in_its_own_script(db: None, language: str) -> None:
    text = flat(Client(headers={"accept-language": language}).get("/help/"))
    names = re.findall(r'name="language"[^>]*>([^<]+)</button>', text)
    assert names == ["English", "简体中文", "繁體中文", "日本語", "한국어"]


MENU = ["/showcase/", "/pricing/", "/developers/", "/help/"]


@pytest.mark.parametrize("path", ["/", "/showcase/", "/help/", "/feedback/", "/accounts/login/"])
def test_public_page_has_a_menu_for_phones(db: None, path: str) -> None:
    text = flat(Client().get(path))
    menu = re.search('<div[^>]*id="public-menu" popover>(.*?)<hr', text)
    assert menu
    assert re.findall('<a[^>]* href="([^"]+)"', menu[1]) == MENU
    assert 'popovertarget="public-menu" aria-label="Menu"' in text


@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("/showcase/", "/showcase/"),
        ("/showcase/samples/lavender/", None),
        ("/help/", "/help/"),
        ("/help/failure/", "/help/"),
        ("/pricing/", None),
    ],
)
def test_public_page_keeps_the_app_around_it_when_signed_in(
    page: Client, path: str, here: str | None
) -> None:
    text = flat(page.get(path))
    sidebar = re.search('<aside class="sidebar".*?</aside>', text)
    assert sidebar
    current = re.findall('<a href="([^"]+)" aria-current="page">', sidebar[0])
    assert current == ([here] if here else [])
    assert 'class="public-header"' not in text


def rows_of(context: Any) -> list[tuple[str, str, str, tuple[int | None, ...]]]:
    return [
        (group["label"], row["resolutions"], row["kind"], row["prices"])
        for group in context["groups"]
        for row in group["rows"]
    ]


def test_pricing_page_shows_prices_of_the_catalog(db: None) -> None:
    context = Client().get("/pricing/").context
    assert context["lengths"] == [4, 8, 12, 16, 20]
    assert rows_of(context) == [
        ("Sora 2", "720p", "text", (20, 20, 20, 27, 34)),
        ("Sora 2", "720p", "image", (25, 25, 25, 34, 42)),
        ("Sora 2 Pro", "720p, 1024p, 1080p", "text", (30, 30, 30, 40, 50)),
        ("Sora 2 Pro", "720p, 1024p, 1080p", "image", (35, 35, 35, 47, 59)),
    ]
    assert [p.key for p in context["packages"]] == ["trial", "standard", "value", "premium"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("expire", ["credits"]),
        ("RECOVERY codes", ["security"]),
        ("zebra", []),
        ("", [topic.slug for topic in faq.TOPICS]),
    ],
)
def test_help_search_finds_topics_that_contain_the_words(
    db: None, words: str, found: list[str]
) -> None:
    shown = Client().get("/help/", {"q": words}).context["topics"]
    assert [topic.slug for topic in shown] == found


def test_topic_page_is_shown_when_topic_exists(db: None) -> None:
    assert b"We return all its credits" in Client().get("/help/failure/").content
    assert Client().get("/help/nothing/").status_code == 404


ADDRESSES = ("mailto:help@example.com", "https://docs.example.com", "https://status.example.com")


@pytest.mark.parametrize(("path", "times"), [("/help/", 2), ("/pricing/", 1)])
def test_support_block_and_footer_show_configured_addresses(
    db: None, settings: LazySettings, path: str, times: int
) -> None:
    text = Client().get(path).content.decode()
    assert [text.count(f'href="{address}"') for address in ADDRESSES] == [0, 0, 0]
    settings.SUPPORT_EMAIL = "help@example.com"
    settings.DOCS_URL, settings.STATUS_URL = ADDRESSES[1:]
    text = Client().get(path).content.decode()
    assert [text.count(f'href="{address}"') for address in ADDRESSES] == [times] * 3


# The sections of each legal page, and how many words it has at least.
LEGAL = {
    "/privacy/": (
        ["What we store", "Who else sees it", "Cookies", "How long", "What you can do"],
        200,
        "30 days later we delete your prompts, files, name and address.",
    ),
    "/terms/": (
        [
            "What this is",
            "Your account",
            "Credits and money",
            "Your videos",
            "What we may do",
            "What we cannot promise",
            "Changes",
        ],
        250,
        "Bought credits expire after 90 days.",
    ),
}


@pytest.mark.parametrize("path", LEGAL)
def test_legal_page_has_its_text_in_all_sections(db: None, path: str) -> None:
    sections, least, sentence = LEGAL[path]
    main = re.search("<main.*?</main>", flat(Client().get(path)))
    assert main
    words = re.sub("<[^>]+>", " ", main[0])
    assert re.findall("<h2>(.*?)</h2>", main[0]) == sections
    assert len(words.split()) >= least
    assert sentence in " ".join(words.split())
    empty = [part[:40] for part in main[0].split("<h2>")[1:] if len(part.split()) < 20]
    assert empty == []


# ---- messages ----


def test_report_is_stored_when_form_is_valid(db: None) -> None:
    answer = Client().post("/report/", REPORT, follow=True)
    assert b"Our staff will read your message." in answer.content
    row = AbuseReport.objects.get()
    assert (row.subject, row.reason, row.text, row.user, row.state) == (
        REPORT["subject"],
        "person",
        "Me",
        None,
        "open",
    )


def test_feedback_stores_user_when_signed_in(page: Client, alice: User) -> None:
    assert page.get("/feedback/").context["form"].initial["email"] == "alice@example.com"
    page.post("/feedback/", {"text": "More of it", "email": "alice@example.com"})
    row = Feedback.objects.get()
    assert (row.user, row.text) == (alice, "More of it")


@pytest.mark.parametrize(
    ("field", "value"),
    [("subject", ""), ("reason", "dull"), ("text", "x" * 4001), ("email", "nobody")],
)
def test_message_is_not_stored_when_form_is_invalid(db: None, field: str, value: str) -> None:
    answer = Client().post("/report/", {**REPORT, field: value})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert AbuseReport.objects.count() == 0


def test_message_is_refused_when_address_sent_too_many(db: None, settings: LazySettings) -> None:
    settings.RATE_FORMS = (2, 3600)
    client = Client(REMOTE_ADDR="192.0.2.77")
    rate_limits.clear("messages:192.0.2.77")
    codes = [client.post("/report/", REPORT).status_code for _n in range(3)]
    codes.append(client.post("/feedback/", {"text": "Hello"}).status_code)
    assert (codes, AbuseReport.objects.count()) == ([302, 302, 429, 429], 2)


def test_staff_add_note_and_close_report(staff: User) -> None:
    row = AbuseReport.objects.create(**REPORT)
    staff_client = Client()
    staff_client.force_login(staff)
    path = f"/admin/showcase/abusereport/{row.pk}/change/"
    assert staff_client.get("/admin/showcase/abusereport/").status_code == 200
    staff_client.post(path, {"state": "closed", "staff_note": "Taken down", "subject": "other"})
    row.refresh_from_db()
    assert (row.state, row.staff_note, row.subject) == ("closed", "Taken down", REPORT["subject"])


# ---- errors ----


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (RequestDataTooBig("too big"), 413, "The upload is too large"),
        (OperationalError("away"), 503, "The service is not available"),
        (RuntimeError("secret"), 500, "An error occurred on our side"),
    ],
)
def test_error_is_answered_with_a_page(
    db: None, settings: LazySettings, error: Exception, code: int, words: str
) -> None:
    settings.ROOT_URLCONF = "tests.showcase.web.urls_of_errors"
    urls_of_errors.errors.append(error)
    browser = Client(raise_request_exception=False)
    answer = browser.get("/error/", headers={"x-request-id": "quote-me"})
    text = answer.content.decode()
    assert answer.status_code == code
    assert words in text
    assert "quote-me" in text
    assert answer.headers.get("Retry-After") == ("30" if code == 503 else None)
    assert str(error) not in text


def test_missing_page_leads_on_and_to_our_staff(page: Client, settings: LazySettings) -> None:
    settings.SUPPORT_EMAIL = "help@example.com"
    text = flat(page.get("/no-such-page/", headers={"x-request-id": "quote-me"}))
    links = re.findall('href="([^"]+)"', text.split("<main", 1)[1])
    assert links == [
        "/",
        "/studio/",
        "/library/",
        "/showcase/",
        "/help/",
        "/",
        "/feedback/?about=quote-me",
        "mailto:help@example.com?subject=quote-me",
    ]
    form = page.get("/feedback/?about=quote-me").context["form"]
    assert form.initial["text"] == "About request quote-me:\n"


def test_page_is_shown_when_too_many_reset_links_are_requested(
    db: None, settings: LazySettings
) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"reset_password": "1/m/ip"}
    form = {"email": "nobody@example.com"}
    answers = [Client().post("/accounts/password/reset/", form) for _n in range(2)]
    assert [answer.status_code for answer in answers] == [302, 429]
    assert b"Too many requests" in answers[1].content


# ---- takes ----


@pytest.mark.parametrize(
    ("takes", "first"), [("1", 20), ("3", 60), ("4", 80), ("5", 20), ("x", 20), ("", 20)]
)
def test_pricing_page_multiplies_prices_when_takes_are_chosen(
    db: None, takes: str, first: int
) -> None:
    answer = Client().get("/pricing/", {"takes": takes})
    assert answer.context["groups"][0]["rows"][0]["prices"][0] == first
    assert '<th scope="rowgroup" rowspan="2">Sora 2</th>' in answer.content.decode()


def test_pricing_page_states_every_expiry_rule(db: None) -> None:
    text = Client().get("/pricing/").content.decode()
    rules = (
        "Bought credits last 90 days.",
        "Free credits last 30 days.",
        "Credits that expire first are spent first.",
        "If that date has passed because a video failed, they last 7 more days.",
    )
    assert len(rules) == 4
    assert [rule for rule in rules if rule not in text] == []
