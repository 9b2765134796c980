"""Models that staff paused: new orders are refused with their sentence, others go on."""

import re

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from tests.videos.conftest import completed, failed, order
from tests.videos.conftest import mp4 as mp4  # noqa: PLC0414
from videos.catalog import offers
from videos.jobs import orders
from videos.models import PausedModel, Video

SENTENCE = "Sora 2 <rests> until nine."


def pause(model: str = "sora-2") -> None:
    PausedModel.objects.create(model=model, sentence=SENTENCE)


def test_order_is_refused_with_the_sentence_while_its_model_is_paused(
    api: APIClient, alice: User
) -> None:
    pause()
    order = {"prompt": "A boat", "model": "sora-2"}
    answers = [api.post("/api/videos", order), api.post("/api/videos/quote", order, format="json")]
    assert [(answer.status_code, answer.json()["detail"]) for answer in answers] == [
        (400, SENTENCE),
        (400, SENTENCE),
    ]
    assert api.post("/api/videos", {**order, "model": "sora-2-pro"}).status_code == 201
    PausedModel.objects.all().delete()
    assert api.post("/api/videos", order).status_code == 201
    assert Video.objects.count() == 2


def test_remix_and_retry_are_refused_while_the_model_is_paused(alice: User, mp4: bytes) -> None:
    made, lost = completed(order(alice), mp4), failed(order(alice))
    pause()
    with pytest.raises(offers.NotOffered, match=SENTENCE):
        orders.remix(made, "At night")
    with pytest.raises(offers.NotOffered, match=SENTENCE):
        orders.retry(lost)
    assert Video.objects.count() == 2


def test_video_that_was_ordered_before_is_still_made(alice: User, mp4: bytes) -> None:
    video = order(alice)
    pause()
    assert completed(video, mp4).status == "succeeded"


def test_models_name_the_sentence(anonymous: APIClient, db: None) -> None:
    pause()
    models = anonymous.get("/api/models").json()["models"]
    assert {model["id"]: model["paused"] for model in models} == {
        "sora-2": SENTENCE,
        "sora-2-pro": None,
    }


def test_composer_shows_the_sentence_and_chooses_another_model(page: Client, db: None) -> None:
    pause()
    text = page.get("/studio/").content.decode()
    assert "Sora 2: Sora 2 &lt;rests&gt; until nine." in text
    radios = re.findall(r'name="model"\s+value="([\w-]+)"\s+(checked|disabled)?', text)
    assert radios == [("sora-2", "disabled"), ("sora-2-pro", "checked")]


def test_page_shows_the_sentence_when_a_paused_model_is_ordered(page: Client, alice: User) -> None:
    pause()
    form = {"prompt": "A boat", "go": "1", "model": "sora-2", "size": "1280x720", "seconds": "4"}
    answer = page.post("/studio/", form)
    assert "Sora 2 &lt;rests&gt; until nine." in answer.content.decode()
    assert Video.objects.count() == 0


def test_staff_pause_only_models_of_the_catalog(staff_client: Client, db: None) -> None:
    form = {"model": "wan-9", "sentence": "x"}
    answer = staff_client.post("/admin/videos/pausedmodel/add/", form)
    assert list(answer.context["adminform"].form.errors) == ["model"]
    staff_client.post("/admin/videos/pausedmodel/add/", {**form, "model": "sora-2"})
    twice = staff_client.post("/admin/videos/pausedmodel/add/", {**form, "model": "sora-2"})
    assert list(twice.context["adminform"].form.errors) == ["model"]
    assert [str(row) for row in PausedModel.objects.all()] == ["sora-2"]
