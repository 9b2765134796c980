"""The page that orders a batch: check, see price and faults, order all or none."""

import re
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from billing.ledger import credits, invariants
from tests.conftest import create_user
from tests.markup import flat
from videos.models import Price, RejectedPrompt, Video

BATCH = "/studio/batch/"
TWO = "A boat\nA kite"
TABLE = "prompt;model;seconds;audio\nA boat;Sora 2 Pro;12;\nA kite;;;on\n"
BAD = "A naked child on a beach"


def send(page: Client, text: str = TWO, **fields: Any) -> Any:
    return page.post(BATCH, {"text": text, **fields})


def hidden(answer: Any) -> dict[str, str]:
    """The hidden fields of the form."""
    found = re.findall(r'name="(token|checked)"value="([^"]*)"', flat(answer).replace(" ", ""))
    return dict(found)


def order(page: Client, checked: Any, text: str = TWO, **fields: Any) -> Any:
    return send(page, text, order="1", **hidden(checked), **fields)


def text_of(answer: Any) -> str:
    body = answer.content.decode()
    found: str = body.split('id="text"')[1].split(">", 1)[1].split("</textarea>")[0]
    return found


def rows(answer: Any) -> list[list[str]]:
    """The lines of the table: number, prompt with its faults, model, size, length, credits."""
    table = flat(answer).split("<tbody>")[1].split("</tbody>")[0]
    found = re.findall(r"<tr.*?</tr>", table)
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in found]


def can_order(answer: Any) -> bool:
    button = re.search(r'<button[^>]*name="order"[^>]*>', flat(answer))
    assert button
    return "disabled" not in button[0]


def test_check_shows_price_total_and_balance_and_orders_nothing(page: Client, alice: User) -> None:
    answer = send(page, TABLE)
    assert (answer.status_code, rows(answer)) == (
        200,
        [
            ["1", "A boat", "Sora 2 Pro", "1280x720", "12 s", "30"],
            ["2", "A kite", "Sora 2", "1280x720", "8 s", "20"],
        ],
    )
    body = flat(answer)
    assert '<dd id="total">50</dd>' in body
    assert '<dd id="left">50</dd>' in body
    assert (can_order(answer), text_of(answer)) == (True, TABLE.strip())
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)


def test_all_lines_are_ordered_after_the_check(page: Client, alice: User) -> None:
    answer = order(page, send(page))
    assert answer.status_code == 303
    assert list(Video.objects.order_by("created_at").values_list("prompt", flat=True)) == [
        "A boat",
        "A kite",
    ]
    assert credits.available(alice) == 60
    assert "2 videos were ordered." in flat(page.get(answer["Location"]))
    assert invariants.problems() == []


def test_batch_is_ordered_once_when_the_button_is_pressed_twice(page: Client, alice: User) -> None:
    checked = send(page)
    answers = [order(page, checked) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert (Video.objects.count(), credits.available(alice)) == (2, 60)


def test_line_breaks_of_browsers_do_not_count_as_a_change(page: Client) -> None:
    checked = send(page, "A boat\r\nA kite\r\n")
    assert order(page, checked, text_of(checked).replace("\n", "\r\n")).status_code == 303


def test_defaults_are_for_lines_that_name_nothing(page: Client) -> None:
    answer = send(page, TABLE, model="sora-2", size="720x1280", seconds="4")
    assert [row[2:5] for row in rows(answer)] == [
        ["Sora 2 Pro", "720x1280", "12 s"],
        ["Sora 2", "720x1280", "4 s"],
    ]


def test_every_fault_of_a_line_is_shown_and_nothing_can_be_ordered(page: Client) -> None:
    text = "prompt,size,seconds,seed\nA boat,1x1,5,x\n,,,\n,1280x720,8,\nA kite,,8,,at dusk\n"
    answer = send(page, text)
    faults = [re.findall(r"<li>(.*?)</li>", row[1]) for row in rows(answer)]
    assert faults == [
        [
            "<code>seed</code>: Write a whole number with the digits 0 to 9.",
            "<code>size</code>: Sora 2 makes 1280x720, 720x1280.",
            "<code>seconds</code>: Sora 2 makes videos of 4, 8, 12, 16, 20 seconds.",
        ],
        ["Describe what the video should show."],
        [
            (
                "This line has more cells than there are columns. Put a prompt that contains the"
                " separator in quotation marks."
            )
        ],
    ]
    assert (can_order(answer), text_of(answer)) == (False, text.strip())
    assert "3 lines with a fault" in flat(answer)


def test_order_with_a_fault_is_refused(page: Client, alice: User) -> None:
    text = "prompt,seconds\nA boat,5\nA kite,8"
    answer = order(page, send(page, text), text)
    assert (answer.status_code, Video.objects.count(), credits.available(alice)) == (422, 0, 100)


@pytest.mark.parametrize("change", ["text", "price", "option"])
def test_what_was_not_checked_is_not_ordered(page: Client, alice: User, change: str) -> None:
    checked = send(page)
    if change == "price":
        Price.objects.create(kind=Price.Kind.TEXT, model="sora-2", credits=26)
    options = {"seconds": "12"} if change == "option" else {}
    answer = order(page, checked, f"{TWO}\nA storm" if change == "text" else TWO, **options)
    assert answer.status_code == 422
    assert "The list or its prices have changed. Check them, then order again." in flat(answer)
    assert (Video.objects.count(), credits.available(alice)) == (0, 100)


def test_order_needs_enough_credits(page: Client, alice: User) -> None:
    checked = send(page, "A boat\n" * 6)
    body = flat(checked)
    assert (can_order(checked), '<dd class="warn" id="missing">20</dd>' in body) == (False, True)
    answer = order(page, checked, "A boat\n" * 6)
    assert (answer.status_code, Video.objects.count(), credits.available(alice)) == (402, 0, 100)


def test_prompt_that_moderation_refuses_is_shown_in_its_line(page: Client) -> None:
    text = f"A boat\n{BAD}"
    answer = order(page, send(page, text), text)
    assert answer.status_code == 422
    assert "The content check stopped this prompt" in rows(answer)[1][1]
    assert (RejectedPrompt.objects.count(), Video.objects.count()) == (1, 0)
    assert text_of(answer) == text


def test_batch_is_refused_when_the_user_is_locked(page: Client, settings: LazySettings) -> None:
    settings.MODERATION_STRIKES = 1
    order(page, send(page, BAD), BAD)
    answer = order(page, send(page))
    assert answer.status_code == 422
    assert "Too many of your prompts were stopped by the content check." in flat(answer)


def test_batch_is_refused_when_it_is_beyond_the_rate(page: Client, settings: LazySettings) -> None:
    settings.RATE_BATCH = (1, 600)
    answer = order(page, send(page))
    assert (answer.status_code, Video.objects.count()) == (429, 0)
    assert "You did this too often." in flat(answer)


# ---- files ----


def test_file_is_read_and_can_be_ordered_from_the_form(page: Client) -> None:
    file = SimpleUploadedFile("list.csv", b"\xef\xbb\xbf" + TABLE.replace("\n", "\r\n").encode())
    checked = send(page, "what was there before", file=file)
    assert (text_of(checked), can_order(checked)) == (TABLE.strip(), True)
    assert order(page, checked, text_of(checked)).status_code == 303
    assert Video.objects.count() == 2


def test_file_that_was_not_checked_is_not_ordered(page: Client) -> None:
    answer = order(page, send(page), file=SimpleUploadedFile("list.txt", b"A storm"))
    assert (answer.status_code, text_of(answer), Video.objects.count()) == (422, "A storm", 0)


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("list.csv", "雨".encode("shift_jis"), "not in UTF-8"),
        ("list.csv", b"A boat\nA kite", "must name the columns"),
        ("list.csv", b"prompt,style\nA boat,dark", "Unknown column: style."),
        ("list.txt", b"", "Enter at least one prompt."),
    ],
)
def test_file_that_cannot_be_read_says_why_and_keeps_the_text(
    page: Client, name: str, body: bytes, why: str
) -> None:
    answer = send(page, "A boat", file=SimpleUploadedFile(name, body))
    assert (answer.status_code, why in flat(answer)) == (422, True)
    assert 'id="check"' not in flat(answer)


@pytest.mark.parametrize("text", ["", " \n\n", "prompt,model\n,\n"])
def test_empty_list_is_refused(page: Client, text: str) -> None:
    answer = send(page, text)
    assert (answer.status_code, "Enter at least one prompt." in flat(answer)) == (422, True)


def test_list_with_too_many_lines_is_refused(page: Client, settings: LazySettings) -> None:
    settings.BATCH_LINES = 1
    answer = send(page)
    assert answer.status_code == 422
    assert "A batch has at most 1 videos. This list has 2." in flat(answer)


@pytest.mark.parametrize("field", ["model", "size", "seconds"])
def test_option_that_nobody_offers_is_refused(page: Client, field: str) -> None:
    answer = send(page, **{field: "999"})
    assert (answer.status_code, text_of(answer)) == (422, TWO)


def test_markup_in_a_prompt_is_shown_as_text(page: Client) -> None:
    assert rows(send(page, "<b>A boat</b>"))[0][1] == "&lt;b&gt;A boat&lt;/b&gt;"


# ---- who may ----


def test_page_is_empty_at_first_and_linked_from_the_studio(page: Client) -> None:
    answer = page.get(BATCH)
    assert (answer.status_code, text_of(answer), 'id="check"' in flat(answer)) == (200, "", False)
    assert f'href="{BATCH}"' in flat(page.get("/studio/"))


def test_page_leads_to_the_sign_in_when_nobody_is_signed_in(db: None) -> None:
    for answer in (Client().get(BATCH), Client().post(BATCH, {"text": TWO})):
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/accounts/login/")


def test_form_needs_its_csrf_token(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert send(browser).status_code == 403


def test_checked_batch_of_somebody_else_orders_for_who_sends_it(page: Client, alice: User) -> None:
    mallory = create_user("mallory")
    other = Client()
    other.force_login(mallory)
    assert order(other, send(page)).status_code == 303
    assert (credits.available(alice), credits.available(mallory)) == (100, 60)


def test_queries_do_not_grow_with_what_is_ordered_already(
    page: Client, django_assert_max_num_queries: Any
) -> None:
    send(page)
    with django_assert_max_num_queries(25):
        send(page)
