"""PATCH /api/videos/{id}: the title of a video."""

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import User
from config.lib import texts
from tests.conftest import create_user
from tests.videos.conftest import order, reloaded
from videos.account import deletion
from videos.jobs import orders, state_machine
from videos.models import Video

PROMPT = "Wide shot, a boat at dusk. Slow dolly in"


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("A paper boat", "A paper boat"),
        ("  A boat\nat sea  ", "A boat at sea"),
        ("A paper boat at dusk\nslowly", "A paper boat at dusk"),
        ("A paper boat at 10:30 p.m., slow", "A paper boat at 10:30 p.m."),
        ("Fog. Rain. A boat", "Fog. Rain. A boat"),
        ("黄昏的纸船，慢慢漂过", "黄昏的纸船"),
        ("夕焼けの海。舟", "夕焼けの海"),
        ("A boat " * 20, "A boat A boat A boat A boat A boat A boat A boat A boat A…"),
        ("x" * 61, "x" * 59 + "…"),
        ("", ""),
    ],
)
def test_first_clause_stands_for_a_text(text: str, clause: str) -> None:
    assert texts.first_clause(text) == clause


def test_title_is_changed_found_and_returned(api: APIClient, alice: User, page: Client) -> None:
    video = order(alice, PROMPT)
    path = f"/api/videos/{video.pk}"

    def found(words: str) -> list[str]:
        return [one["title"] for one in api.get("/api/videos", {"q": words}).json()["videos"]]

    assert api.get(path).json()["title"] == "Wide shot, a boat at dusk"
    answer = api.patch(path, {"title": " The\nHarbour "}, format="json")
    assert (answer.status_code, answer.json()["title"]) == (200, "The Harbour")
    assert api.patch(path, {}, format="json").json()["title"] == "The Harbour"
    assert (found("harbour"), found("dusk harbour")) == (["The Harbour"], ["The Harbour"])
    assert "The Harbour" in page.get("/library/?q=harbour").content.decode()
    # Whatever else writes the row keeps it found by both.
    state_machine.cancel(video)
    reloaded(video).save()
    assert found("harbour") == ["The Harbour"]
    assert orders.retry(reloaded(video)).title == "The Harbour"
    assert api.patch(path, {"title": "\u200b "}, format="json").json()["title"] == answer_of(video)
    assert (reloaded(video).title, found("shot")) == (None, ["The Harbour", answer_of(video)])


def answer_of(video: Video) -> str:
    return texts.first_clause(video.prompt)


@pytest.mark.parametrize("title", [7, ["x"], "x" * 101, "nul\0"])
def test_change_is_422_when_the_title_is_not_valid(api: APIClient, alice: User, title: Any) -> None:
    video = order(alice)
    answer = api.patch(f"/api/videos/{video.pk}", {"title": title}, format="json")
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "title"])
    assert reloaded(video).title is None


def test_change_answers_another_user_like_an_unknown_id(api: APIClient, alice: User) -> None:
    video = order(create_user("mallory"))
    answer = api.patch(f"/api/videos/{video.pk}", {"title": "Mine"}, format="json")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Resource not found"})
    assert reloaded(video).title is None


def test_title_is_erased_with_its_account(api: APIClient, alice: User) -> None:
    video = order(alice)
    api.patch(f"/api/videos/{video.pk}", {"title": "The Harbour"}, format="json")
    deletion.erase_account(alice)
    assert (reloaded(video).title, reloaded(video).search_text) == (None, "")
