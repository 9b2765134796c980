"""A search finds words in every language, whatever their case and composition."""

import unicodedata
from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from tests.conftest import create_user
from tests.videos.conftest import order
from videos.account import deletion
from videos.library.search import LibraryFilter
from videos.models import RejectedPrompt, Video

SUMMER, LIGHTHOUSE, STREET = "ÉTÉ à Paris", "Старый Маяк", "Straße am Fluß"
CAFE, SEA, SHARE = unicodedata.normalize("NFD", "Café"), "夕焼けの海と舟", "100% o_k"
PROMPTS = (SUMMER, LIGHTHOUSE, STREET, CAFE, SEA, SHARE)

FOUND = {
    "été": [SUMMER],
    "ÉTÉ": [SUMMER],
    unicodedata.normalize("NFD", "été"): [SUMMER],
    "маяк": [LIGHTHOUSE],
    "МАЯК": [LIGHTHOUSE],
    "STRASSE": [STREET],
    "straße": [STREET],
    "CAFÉ": [CAFE],
    "paris ÉTÉ": [SUMMER],
    "夕焼け 海": [SEA],
    "fluss\u3000strasse": [STREET],
    "été маяк": [],
    "%": [SHARE],
    "_": [SHARE],
    "Ｏ_Ｋ": [SHARE],
}


@pytest.fixture
def six(alice: User) -> list[Video]:
    return [order(alice, prompt, seconds=4) for prompt in PROMPTS[:5]] + [order_free(alice, SHARE)]


def order_free(user: User, prompt: str) -> Video:
    """A video that needs no credits; the welcome credits pay for five."""
    known: Any = Video.objects.filter(user=user).values().first()
    fields = {**known, "id": uuid4(), "prompt": prompt, "search_text": "", "sequence": 99}
    return Video.objects.create(**fields)


@pytest.mark.parametrize("words", FOUND)
def test_words_are_found_in_the_library_when_they_are(
    alice: User, six: list[Video], words: str
) -> None:
    found = LibraryFilter(q=words).apply(alice)
    assert sorted(video.prompt for video in found) == FOUND[words]


def test_same_videos_are_found_when_users_clients_and_staff_search(
    page: Client, api: APIClient, staff_client: Client, six: list[Video]
) -> None:
    words = quote("PARIS été")
    listed = api.get(f"/api/videos?q={words}").json()["videos"]
    assert [video["prompt"] for video in listed] == [SUMMER]
    shown = [
        (SUMMER in body, LIGHTHOUSE in body)
        for body in (
            page.get(f"/library/?q={words}").content.decode(),
            staff_client.get(f"/admin/videos/video/?q={words}").content.decode(),
        )
    ]
    assert shown == [(True, False)] * 2


@pytest.mark.parametrize("words", ["МАЯК", "alice@Example", "ALICE"])
def test_rejected_prompt_is_found_when_staff_search(
    staff_client: Client, alice: User, words: str
) -> None:
    RejectedPrompt.objects.create(user=alice, prompt=LIGHTHOUSE, categories=["violence"])
    body = staff_client.get(f"/admin/videos/rejectedprompt/?q={quote(words)}").content.decode()
    assert LIGHTHOUSE in body


def test_videos_of_a_user_are_found_when_staff_write_the_name_with_accents(
    staff_client: Client, db: None
) -> None:
    order(create_user("Émil"), "A kite")
    assert "A kite" in staff_client.get("/admin/videos/video/?q=Émil").content.decode()


def test_nothing_is_left_to_search_when_the_account_is_erased(alice: User) -> None:
    order(alice, LIGHTHOUSE)
    deletion.erase_account(alice)
    assert list(Video.objects.values_list("prompt", "search_text")) == [("", "")]


def test_videos_of_before_are_found_when_the_database_is_migrated(alice: User) -> None:
    video = order(alice, LIGHTHOUSE)
    Video.objects.filter(pk=video.pk).update(prompt="Старый\r\nМаяк", search_text="")
    migration: Any = import_module("videos.migrations.0013_search_text")
    migration.fill_search_texts(apps, SimpleNamespace(connection=connection))
    assert list(Video.objects.matching("маяк").values_list("prompt", flat=True)) == ["Старый\nМаяк"]
