"""A line break of a prompt is one character on pages and in every API; it is stored as LF."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from showcase.models import Feedback
from tests.videos.conftest import completed, order
from videos.models import Video
from videos.web.forms import PresetForm

# A browser's form sends two characters for each line break. Counted once they are 5,000.
LINES = "\r\n".join(["a" * 49] * 100) + "b"
KEPT = LINES.replace("\r\n", "\n")
OPTIONS = {"model": "sora-2", "size": "1280x720", "seconds": "4"}
# A zero-width space, a zero-width joiner, a soft hyphen, a combining acute and a Hangul filler.
INVISIBLE = "\u200b\u200d\u00ad \u0301\ufeff\u3164\n"

CALLS = {
    "/api/videos": {},
    "/api/videos/create": {},
    "/api/videos/text-to-video": {"quality": "standard"},
    "/api/videos/{id}/remix": {},
    "/api/videos/remix/{id}": {},
    "/api/videos/remix": {"remix_video_id": "{id}"},
}


def call(api: APIClient, path: str, done: Video, prompt: str, format: str) -> Any:
    fields = {name: value.format(id=done.pk) for name, value in CALLS[path].items()}
    return api.post(path.format(id=done.pk), {"prompt": prompt, **fields}, format=format)


@pytest.fixture
def done(alice: User, mp4: bytes) -> Video:
    return completed(order(alice), mp4)


def prompts(done: Video) -> list[str]:
    return list(Video.objects.exclude(pk=done.pk).values_list("prompt", flat=True))


@pytest.mark.parametrize("path", CALLS)
def test_line_breaks_count_once_when_ordered_by_api(api: APIClient, done: Video, path: str) -> None:
    assert len(KEPT) == 5000
    assert call(api, path, done, LINES, "json").status_code in {200, 201}
    assert call(api, path, done, LINES + "c", "json").status_code == 422
    assert prompts(done) == [KEPT]


def test_line_breaks_count_once_when_a_form_is_sent_to_the_api(api: APIClient, done: Video) -> None:
    fields = {"prompt": "a\rb\r\nc\n\nd"}
    assert api.post("/api/videos", fields, format="multipart").status_code == 201
    assert prompts(done) == ["a\nb\nc\n\nd"]


@pytest.mark.parametrize("path", ["/studio/", "/v/{id}/remix/"])
def test_line_breaks_count_once_when_ordered_on_a_page(
    page: Client, done: Video, path: str
) -> None:
    sent = {"prompt": LINES, "go": "1", **OPTIONS}
    assert page.post(path.format(id=done.pk), sent).status_code in {302, 303}
    assert prompts(done) == [KEPT]


def test_line_breaks_of_a_negative_prompt_count_once(page: Client) -> None:
    form = PresetForm({**OPTIONS, "preset_name": "Mine", "negative_prompt": "a\r\n" * 1000 + "b"})
    form.is_valid()
    assert form.errors == {
        "negative_prompt": ["Ensure this value has at most 2000 characters (it has 2001)."]
    }
    assert PresetForm(
        {**OPTIONS, "preset_name": "Mine", "negative_prompt": "a\r\n" * 1000}
    ).is_valid()


@pytest.mark.parametrize("path", CALLS)
def test_prompt_is_refused_by_api_when_it_shows_nothing(
    api: APIClient, alice: User, done: Video, path: str
) -> None:
    before = credits.available(alice)
    answer = call(api, path, done, INVISIBLE, "json")
    empty = call(api, path, done, "", "json")
    assert (answer.status_code, answer.json()) == (422, empty.json())
    assert (prompts(done), credits.available(alice)) == ([], before)


@pytest.mark.parametrize("path", ["/studio/", "/v/{id}/remix/"])
def test_prompt_is_refused_on_a_page_when_it_shows_nothing(
    page: Client, done: Video, path: str
) -> None:
    answer = page.post(path.format(id=done.pk), {"prompt": INVISIBLE, "go": "1", **OPTIONS})
    assert (answer.status_code, prompts(done)) == (422, [])


@pytest.mark.parametrize("prompt", ["❤️", "👩‍🚀", "ا", "?", "雨"])
def test_prompt_is_taken_when_it_is_one_symbol(api: APIClient, done: Video, prompt: str) -> None:
    assert api.post("/api/videos", {"prompt": prompt}, format="json").status_code == 201
    assert prompts(done) == [prompt]


def test_prompt_of_the_start_page_is_kept_whole_when_it_has_line_breaks(db: None) -> None:
    visitor = Client()
    visitor.post("/", {"prompt": LINES})
    assert visitor.session["draft"] == {"prompt": KEPT}


def test_line_breaks_of_feedback_count_once(page: Client) -> None:
    text = "\r\n".join(["a" * 39] * 100)
    page.post("/feedback/", {"text": text})
    assert Feedback.objects.get().text == text.replace("\r\n", "\n")
