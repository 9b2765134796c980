"""What the content check stops is not ordered, costs nothing, and says why."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from billing.ledger import credits
from tests.videos.conftest import completed, failed, order, picture
from videos.engines.moderation import by_rules, read_rules
from videos.jobs import moderation, orders
from videos.media import uploads
from videos.models import RejectedPrompt, Video

pytestmark = pytest.mark.django_db

BAD = "A naked child on a beach"
WHY = "The content check stopped this prompt: sexual content with minors. Nothing was charged."


class Model:
    """A stand-in moderation server: flags what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.flags: list[str] = []
        self.code = 200
        self.body: Any = None
        self.asked: list[dict[str, Any]] = []
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self) -> Any:
        names = ("hate", "sexual", "sexual/minors", "violence", *self.flags)
        result = {
            "flagged": bool(self.flags),
            "categories": {name: name in self.flags for name in names},
            "category_scores": dict.fromkeys(names, 0.5),
            "category_applied_input_types": {name: ["text"] for name in names},
        }
        return {"id": "modr-1", "model": "omni", "results": [result]}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                model.asked.append(json.loads(raw))
                body = json.dumps(model.answer() if model.body is None else model.body).encode()
                self.send_response(model.code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


@pytest.fixture
def model(settings: LazySettings) -> Iterator[Model]:
    made = Model()
    settings.MODERATION, settings.MODERATION_BASE_URL = "model", made.url
    yield made
    made.close()


def nothing_happened(user: User) -> bool:
    return (credits.available(user), Video.objects.count()) == (100, 0)


# ---- rules ----


@pytest.mark.parametrize(
    "prompt",
    [BAD, "a NAKED   Child", "nude schoolgirls", "ｎａｋｅｄ child", "na\u200bked ch\u00adild"],
)
def test_spelling_tricks_do_not_help(prompt: str) -> None:
    assert by_rules(prompt) == ["sexual/minors"]


@pytest.mark.parametrize(
    "prompt",
    ["A child flies a kite", "A nude statue in a museum", "Sussex in the rain", "kidney beans"],
)
def test_what_is_harmless_passes(prompt: str) -> None:
    assert by_rules(prompt) == []


def test_an_operator_adds_rules(settings: LazySettings, tmp_path: Path) -> None:
    file = tmp_path / "rules"
    file.write_text("# ours\n\nbrands: \\bacme\\b\n")
    settings.MODERATION_RULES_FILE = str(file)
    assert (by_rules("The ACME car"), by_rules(BAD)) == (["brands"], ["sexual/minors"])


@pytest.mark.parametrize("line", ["no category", "broken: ("])
def test_a_rule_that_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        read_rules([line])


# ---- what a refusal does ----


def test_a_refused_order_costs_nothing_and_is_kept_for_staff(alice: User) -> None:
    with pytest.raises(moderation.ContentRefused, match=WHY):
        order(alice, BAD)
    (kept,) = RejectedPrompt.objects.all()
    assert nothing_happened(alice)
    assert (kept.user, kept.prompt, kept.categories) == (alice, BAD, ["sexual/minors"])


def test_the_api_says_why(alice: User, api: APIClient) -> None:
    answer = api.post("/api/videos", {"prompt": BAD}, format="json")
    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": WHY, "code": "moderation_blocked"},
    )
    assert nothing_happened(alice)


def test_the_page_says_why_and_keeps_the_prompt(alice: User, page: Client) -> None:
    sent = {
        "prompt": BAD,
        "model": "sora-2",
        "shape": "landscape",
        "size": "1280x720",
        "seconds": 4,
    }
    answer = page.post("/studio/", sent)
    assert answer.status_code == 422
    assert WHY in answer.content.decode()
    assert BAD in answer.content.decode()
    assert nothing_happened(alice)


def test_a_remix_is_checked_too(alice: User, mp4: bytes) -> None:
    video = completed(order(alice), mp4)
    before = credits.available(alice)
    with pytest.raises(moderation.ContentRefused):
        orders.remix(video, BAD)
    assert (credits.available(alice), Video.objects.count()) == (before, 1)


def test_a_retry_is_checked_by_todays_rules(
    alice: User, settings: LazySettings, tmp_path: Path
) -> None:
    video = failed(order(alice, "A paper boat"))
    file = tmp_path / "rules"
    file.write_text("boats: boat")
    settings.MODERATION_RULES_FILE = str(file)
    with pytest.raises(moderation.ContentRefused, match="something the rules do not allow"):
        orders.retry(video)


def test_off_is_off(alice: User, settings: LazySettings) -> None:
    settings.MODERATION = "off"
    assert order(alice, BAD).prompt == BAD


def test_too_many_refusals_lock_until_staff_overrule_them(
    alice: User, settings: LazySettings
) -> None:
    settings.MODERATION_STRIKES = 2
    for _ in range(2):
        with pytest.raises(moderation.ContentRefused):
            order(alice, BAD)
    with pytest.raises(moderation.ContentRefused) as locked:
        order(alice, "A paper boat")
    assert (locked.value.code, RejectedPrompt.objects.count()) == ("generation_locked", 2)
    RejectedPrompt.objects.update(overruled=True)
    assert order(alice, "A paper boat").prompt == "A paper boat"


# ---- the model ----


def test_the_model_is_asked_about_the_words(alice: User, model: Model) -> None:
    order(alice, "A paper boat")
    (asked,) = model.asked
    assert asked == {
        "model": "omni-moderation-latest",
        "input": [{"type": "text", "text": "A paper boat"}],
    }


def test_the_model_sees_the_image(alice: User, model: Model) -> None:
    image = uploads.store_image(alice, SimpleUploadedFile("a.png", picture("PNG")))
    order(alice, "Let it move", reference=image)
    ((_, shown),) = [asked["input"] for asked in model.asked]
    assert shown["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")


def test_what_the_model_flags_is_stopped(alice: User, model: Model) -> None:
    model.flags = ["violence/graphic", "hate"]
    with pytest.raises(moderation.ContentRefused, match=r": hate, violence\. Nothing"):
        order(alice, "A paper boat")
    assert nothing_happened(alice)


def test_the_rules_come_before_the_model(alice: User, model: Model) -> None:
    with pytest.raises(moderation.ContentRefused):
        order(alice, BAD)
    assert model.asked == []


BROKEN: list[tuple[int, Any]] = [
    (500, None),
    (401, None),
    (200, {"results": []}),
    (200, []),
    (200, {"results": [{}]}),
]


@pytest.mark.parametrize(("code", "body"), BROKEN)
def test_a_check_that_cannot_be_made_stops_the_order(
    api: APIClient, alice: User, model: Model, code: int, body: Any
) -> None:
    model.code, model.body = code, body
    answer = api.post("/api/videos", {"prompt": "A paper boat"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (503, "moderation_unavailable")
    assert (nothing_happened(alice), RejectedPrompt.objects.count()) == (True, 0)


@pytest.mark.parametrize(("code", "body"), BROKEN)
def test_or_lets_it_pass_where_the_operator_says_so(
    alice: User, settings: LazySettings, model: Model, code: int, body: Any
) -> None:
    settings.MODERATION_ON_ERROR = "allow"
    model.code, model.body = code, body
    assert order(alice).prompt == "A paper boat"
