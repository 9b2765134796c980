"""Orders refused by moderation cost nothing and name the reason."""

from collections.abc import Iterator
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
from tests.engine_servers.loopback import Answer, LoopbackServer, Request, serving
from tests.videos.conftest import completed, failed, order, picture
from videos.engines.moderation import by_rules, read_rules
from videos.jobs import moderation, orders
from videos.media import uploads
from videos.models import RejectedPrompt, Video

pytestmark = pytest.mark.django_db

BAD = "A naked child on a beach"
WHY = "The content check stopped this prompt: sexual content with minors. Nothing was charged."


class ModerationServer(LoopbackServer):
    """A moderation server that flags the configured categories and keeps its requests."""

    def __init__(self) -> None:
        super().__init__()
        self.flags: list[str] = []
        self.code = 200
        self.body: Any = None

    @property
    def asked(self) -> list[dict[str, Any]]:
        """The bodies of its requests."""
        return [request.json for request in self.requests]

    def answer(self, request: Request) -> Answer:
        names = ("hate", "sexual", "sexual/minors", "violence", *self.flags)
        result = {
            "flagged": bool(self.flags),
            "categories": {name: name in self.flags for name in names},
            "category_scores": dict.fromkeys(names, 0.5),
            "category_applied_input_types": {name: ["text"] for name in names},
        }
        whole = {"id": "modr-1", "model": "omni", "results": [result]}
        return self.code, whole if self.body is None else self.body


@pytest.fixture
def model(settings: LazySettings) -> Iterator[ModerationServer]:
    with serving(ModerationServer()) as made:
        settings.MODERATION, settings.MODERATION_BASE_URL = "model", f"{made.url}/v1"
        yield made


def nothing_ordered(user: User) -> bool:
    return (credits.available(user), Video.objects.count()) == (100, 0)


# ---- rules ----


@pytest.mark.parametrize(
    "prompt",
    [BAD, "a NAKED   Child", "nude schoolgirls", "ｎａｋｅｄ child", "na\u200bked ch\u00adild"],
)
def test_prompt_is_refused_when_a_forbidden_word_is_disguised(prompt: str) -> None:
    assert by_rules(prompt) == ["sexual/minors"]


@pytest.mark.parametrize(
    "prompt",
    ["A child flies a kite", "A nude statue in a museum", "Sussex in the rain", "kidney beans"],
)
def test_prompt_is_accepted_when_harmless(prompt: str) -> None:
    assert by_rules(prompt) == []


def test_prompt_is_refused_when_a_configured_rule_matches(
    settings: LazySettings, tmp_path: Path
) -> None:
    file = tmp_path / "rules"
    file.write_text("# ours\n\nbrands: \\bacme\\b\n")
    settings.MODERATION_RULES_FILE = str(file)
    assert (by_rules("The ACME car"), by_rules(BAD)) == (["brands"], ["sexual/minors"])


@pytest.mark.parametrize("line", ["no category", "broken: ("])
def test_start_is_refused_when_a_rule_is_invalid(line: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        read_rules([line])


# ---- refused orders ----


def test_refused_order_costs_nothing_and_is_stored_for_staff(alice: User) -> None:
    with pytest.raises(moderation.ContentRefused, match=WHY):
        order(alice, BAD)
    (kept,) = RejectedPrompt.objects.all()
    assert nothing_ordered(alice)
    assert (kept.user, kept.prompt, kept.categories) == (alice, BAD, ["sexual/minors"])


def test_api_names_the_category_when_an_order_is_refused(alice: User, api: APIClient) -> None:
    answer = api.post("/api/videos", {"prompt": BAD}, format="json")
    assert (answer.status_code, answer.json()) == (
        400,
        {"detail": WHY, "code": "moderation_blocked"},
    )
    assert nothing_ordered(alice)


def test_page_names_the_category_and_keeps_the_prompt_when_an_order_is_refused(
    alice: User, page: Client
) -> None:
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
    assert nothing_ordered(alice)


def test_remix_is_refused_when_its_prompt_is_forbidden(alice: User, mp4: bytes) -> None:
    video = completed(order(alice), mp4)
    before = credits.available(alice)
    with pytest.raises(moderation.ContentRefused):
        orders.remix(video, BAD)
    assert (credits.available(alice), Video.objects.count()) == (before, 1)


def test_retry_is_refused_when_the_current_rules_forbid_it(
    alice: User, settings: LazySettings, tmp_path: Path
) -> None:
    video = failed(order(alice, "A paper boat"))
    file = tmp_path / "rules"
    file.write_text("boats: boat")
    settings.MODERATION_RULES_FILE = str(file)
    with pytest.raises(moderation.ContentRefused, match="something the rules do not allow"):
        orders.retry(video)


def test_order_is_accepted_when_moderation_is_off(alice: User, settings: LazySettings) -> None:
    settings.MODERATION = "off"
    assert order(alice, BAD).prompt == BAD


def test_orders_are_blocked_when_too_many_were_refused(alice: User, settings: LazySettings) -> None:
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


def test_prompt_is_sent_to_the_model(alice: User, model: ModerationServer) -> None:
    order(alice, "A paper boat")
    (asked,) = model.asked
    assert asked == {
        "model": "omni-moderation-latest",
        "input": [{"type": "text", "text": "A paper boat"}],
    }


def test_image_is_sent_to_the_model(alice: User, model: ModerationServer) -> None:
    image = uploads.store_image(alice, SimpleUploadedFile("a.png", picture("PNG")))
    order(alice, "Let it move", first_image=image)
    ((_, shown),) = [asked["input"] for asked in model.asked]
    assert shown["image_url"]["url"].startswith("data:image/jpeg;base64,/9j/")


def test_each_image_is_sent_to_the_model_in_its_own_request(
    alice: User, model: ModerationServer
) -> None:
    images = [uploads.store_image(alice, SimpleUploadedFile("a.png", picture())) for _ in range(3)]
    order(alice, "Let it move", first_image=images[0], last_image=images[1])
    order(alice, "Let it move", references=tuple(images))
    kinds = [[part["type"] for part in asked["input"]] for asked in model.asked]
    assert kinds == [["text", "image_url"]] * 5


def test_order_is_refused_when_the_model_flags_it(alice: User, model: ModerationServer) -> None:
    model.flags = ["violence/graphic", "hate"]
    with pytest.raises(moderation.ContentRefused, match=r": hate, violence\. Nothing"):
        order(alice, "A paper boat")
    assert nothing_ordered(alice)


def test_model_is_not_called_when_a_rule_matches(alice: User, model: ModerationServer) -> None:
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
def test_order_is_refused_when_moderation_is_down(
    api: APIClient, alice: User, model: ModerationServer, code: int, body: Any
) -> None:
    model.code, model.body = code, body
    answer = api.post("/api/videos", {"prompt": "A paper boat"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (503, "moderation_unavailable")
    assert (nothing_ordered(alice), RejectedPrompt.objects.count()) == (True, 0)


@pytest.mark.parametrize(("code", "body"), BROKEN)
def test_order_is_accepted_when_moderation_is_down_and_policy_is_allow(
    alice: User, settings: LazySettings, model: ModerationServer, code: int, body: Any
) -> None:
    settings.MODERATION_ON_ERROR = "allow"
    model.code, model.body = code, body
    assert order(alice).prompt == "A paper boat"


# ---- batches ----


def test_each_prompt_of_a_batch_is_sent_to_the_model_once(
    alice: User, model: ModerationServer
) -> None:
    model.flags = ["hate"]
    refused = moderation.check_prompts(alice, ["A boat", "A kite", "A boat", BAD])
    asked = sorted(one["input"][0]["text"] for one in model.asked)
    assert asked == ["A boat", "A kite"]
    assert list(refused) == ["A boat", "A kite", BAD]
    assert "hate" in str(refused["A boat"])
    assert RejectedPrompt.objects.count() == 3


def test_batch_is_refused_when_moderation_is_down(alice: User, model: ModerationServer) -> None:
    model.code = 400
    with pytest.raises(moderation.NoVerdict, match="The content check is not responding"):
        moderation.check_prompts(alice, [f"A boat {n}" for n in range(20)])
    assert RejectedPrompt.objects.count() == 0


def test_batch_is_accepted_when_moderation_is_off(alice: User, settings: LazySettings) -> None:
    settings.MODERATION = "off"
    assert moderation.check_prompts(alice, [BAD]) == {}
