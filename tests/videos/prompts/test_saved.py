"""Prompts that were saved or used lately are at hand in the studio and by API."""

import pytest
from django.test import Client
from pytest_django.fixtures import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from tests.markup import flat
from tests.videos.conftest import order
from videos.models import SavedPrompt
from videos.prompts import saved

PROMPTS = "/api/prompts"
PAGE = "/studio/prompts/"


def save(api: APIClient, prompt: str) -> int:
    answer = api.post(PROMPTS, {"prompt": prompt}, format="json")
    assert answer.status_code == 201
    return int(answer.json()["id"])


def test_prompts_are_saved_once_listed_newest_first_and_deleted(api: APIClient, bob: User) -> None:
    first = save(api, "A boat")
    save(api, "A kite")
    assert save(api, "A boat") == first
    saved.save(bob, "A fox")
    listed = api.get(PROMPTS).json()["saved"]
    assert [each["prompt"] for each in listed] == ["A kite", "A boat"]
    assert api.delete(f"{PROMPTS}/{first}").status_code == 204
    assert [each["prompt"] for each in api.get(PROMPTS).json()["saved"]] == ["A kite"]


def test_recent_prompts_are_those_of_the_newest_videos_each_once(
    api: APIClient, alice: User, bob: User
) -> None:
    for prompt in ("A boat", "A kite", "A boat"):
        order(alice, prompt)
    order(bob, "A fox")
    assert api.get(PROMPTS).json()["recent"] == ["A boat", "A kite"]


def test_prompt_of_another_user_is_not_found(api: APIClient, page: Client, bob: User) -> None:
    kept = saved.save(bob, "A fox")
    assert api.delete(f"{PROMPTS}/{kept.pk}").status_code == 404
    assert page.post(PAGE, {"delete": str(kept.pk)}).status_code == 404
    assert page.post(PAGE, {"delete": "x"}).status_code == 404
    assert SavedPrompt.objects.count() == 1


def test_one_too_many_is_refused(api: APIClient, page: Client, alice: User) -> None:
    SavedPrompt.objects.bulk_create(
        SavedPrompt(user=alice, text="", digest=str(n), created_at=alice.date_joined)
        for n in range(saved.MOST_SAVED)
    )
    text = "You keep 200 prompts, which is the most. Delete one first."
    answer = api.post(PROMPTS, {"prompt": "A boat"}, format="json")
    assert (answer.status_code, answer.json()["detail"]) == (400, text)
    shown = page.post(PAGE, {"save": "1", "prompt": "A boat"})
    assert (shown.status_code, text in flat(shown)) == (422, True)
    assert SavedPrompt.objects.count() == saved.MOST_SAVED


def test_page_saves_uses_and_deletes(page: Client, alice: User) -> None:
    order(alice, "A boat\nwith <sails>")
    assert "A boat<br>with &lt;sails&gt;" in flat(page.get(PAGE))
    page.post(PAGE, {"save": "1", "prompt": "A boat\nwith <sails>"})
    kept = SavedPrompt.objects.get(user=alice)
    assert f'value="{kept.pk}"' in flat(page.get(PAGE))
    used = page.post(PAGE, {"use": "1", "prompt": kept.text})
    assert used["Location"] == "/studio/"
    assert "A boat\nwith &lt;sails&gt;</textarea>" in page.get("/studio/").content.decode()
    assert page.post(PAGE, {"delete": str(kept.pk)}).status_code == 303
    assert SavedPrompt.objects.count() == 0


@pytest.mark.parametrize("prompt", ["", "x" * 5001])
def test_bad_prompt_is_refused(api: APIClient, page: Client, prompt: str) -> None:
    assert api.post(PROMPTS, {"prompt": prompt}, format="json").status_code == 422
    assert page.post(PAGE, {"save": "1", "prompt": prompt}).status_code == 422
    assert SavedPrompt.objects.count() == 0


def test_anonymous_is_asked_to_sign_in(client: Client) -> None:
    assert client.get(PROMPTS).status_code == 401
    assert client.get(PAGE)["Location"].startswith("/accounts/login/")


def test_list_takes_as_many_queries_for_many_prompts(
    api: APIClient, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(3):
        saved.save(alice, f"A boat {n}")
        order(alice, f"A kite {n}")
    with django_assert_num_queries(3):
        api.get(PROMPTS)
