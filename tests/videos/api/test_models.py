"""GET /api/models: what can be ordered, for anybody."""

import json
from pathlib import Path

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from tests.videos.catalog.test_offers import GPU, use
from tests.videos.catalog.test_reading import MODEL
from videos.models import Price, Video

SORA_2 = {
    "id": "sora-2",
    "label": "Sora 2",
    "note": "Fast, to try out an idea",
    "quality": "standard",
    "modes": ["text", "image", "first_last", "reference", "remix"],
    "max_references": 3,
    "sizes": [
        {"size": "1280x720", "aspect": "16:9", "resolution": "720p"},
        {"size": "720x1280", "aspect": "9:16", "resolution": "720p"},
    ],
    "seconds": [4, 8, 12, 16, 20],
    "default": {"size": "1280x720", "seconds": 8, "credits": 20},
    "audio": "always",
    "takes": [],
    "price": {
        "unit": "clip",
        "up_to_seconds": 12,
        "minimum": 0,
        "rates": {"text": {"720p": "20"}, "image": {"720p": "25"}, "silent": None},
    },
    "example": {
        "prompt": "A paper boat at dusk, slow dolly in",
        "model": "sora-2",
        "size": "1280x720",
        "seconds": 8,
    },
    "sunset": None,
    "replacement": None,
    "paused": None,
}


@pytest.mark.django_db
def test_models_are_listed_for_anybody(anonymous: APIClient) -> None:
    answer = anonymous.get("/api/models")
    assert answer.status_code == 200
    body = answer.json()
    assert [model["id"] for model in body["models"]] == ["sora-2", "sora-2-pro"]
    assert body["models"][0] == SORA_2
    assert (body["aliases"], body["qualities"]) == ({}, {"standard": "sora-2", "hd": "sora-2-pro"})


@pytest.mark.django_db
def test_price_of_staff_is_listed(anonymous: APIClient) -> None:
    Price.objects.create(kind="text", model="sora-2", credits="7.5")
    listed = anonymous.get("/api/models").json()["models"][0]
    assert listed["price"]["rates"] == {
        "text": {"720p": "7.50"},
        "image": {"720p": "25"},
        "silent": None,
    }
    assert listed["default"]["credits"] == 8


@pytest.mark.django_db
def test_aliases_say_their_own_price_and_what_has_ended_is_left_out(
    anonymous: APIClient, tmp_path: Path, settings: LazySettings
) -> None:
    flat = {"per": "clip", "seconds": 12, "text": 20, "image": 25}
    over = {**MODEL, "id": "old-1", "sunset": "2026-10-22", "replacement": "wan-2.2"}
    use(
        tmp_path,
        settings,
        over,
        {
            **MODEL,
            "audio": "optional",
            "bindings": [{"engine": "gpu", "takes": ["first_image", "audio"]}],
        },
        aliases={
            "draft": {"model": "wan-2.2", "price": flat},
            "same": {"model": "wan-2.2"},
            "gone": {"model": "old-1"},
        },
        qualities={"standard": "draft", "hd": "gone"},
    )
    settings.ENGINES = {"gpu": {**GPU, "offered_models": "wan-2.2,old-1"}}
    Price.objects.create(kind="silent", model="draft", credits=15)
    body = anonymous.get("/api/models").json()
    assert [model["id"] for model in body["models"]] == ["wan-2.2"]
    assert body["qualities"] == {"standard": "draft"}
    assert sorted(body["aliases"]) == ["draft", "same"]
    [listed] = body["models"]
    own = {name: listed[name] for name in ("default", "price")}
    assert body["aliases"]["same"] == {"model": "wan-2.2", **own}
    assert body["aliases"]["draft"] == {
        "model": "wan-2.2",
        "default": {"size": "854x480", "seconds": 5, "credits": 20},
        "price": {
            "unit": "clip",
            "up_to_seconds": 12,
            "minimum": 0,
            "rates": {
                "text": {"480p": "20", "720p": "20"},
                "image": {"480p": "25", "720p": "25"},
                "silent": {"480p": "15.00", "720p": "15.00"},
            },
        },
    }


@pytest.mark.django_db
def test_every_example_can_be_ordered(
    api: APIClient, tmp_path: Path, settings: LazySettings
) -> None:
    settings.CATALOG_FILE = tmp_path / "catalog.json"
    settings.CATALOG_FILE.write_text(json.dumps({"models": [MODEL]}))
    settings.ENGINES = {"gpu": GPU}
    listed = api.get("/api/models").json()["models"]
    ordered = [api.post("/api/videos", model["example"], format="json") for model in listed]
    assert [answer.status_code for answer in ordered] == [201, 201, 201]
    made = {video.model: video.credits for video in Video.objects.all()}
    assert made == {model["id"]: model["default"]["credits"] for model in listed}


@pytest.mark.django_db
def test_list_costs_two_queries(anonymous: APIClient, django_assert_num_queries: type) -> None:
    with django_assert_num_queries(2):
        anonymous.get("/api/models")


@pytest.mark.django_db
def test_other_methods_are_refused(anonymous: APIClient) -> None:
    assert anonymous.post("/api/models", {}).status_code == 405
