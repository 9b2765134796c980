"""The index of prompts finds what reading all prompts finds, in every language."""

import random
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from tests.conftest import create_user
from tests.videos.conftest import order, reloaded
from tests.videos.library.test_counts import add
from videos.account import deletion
from videos.library import prompt_index, search
from videos.models import LibraryCounts, Video

PROMPTS = (
    "A paper boat in a storm", "A PAPER kite", "Straße am Fluß", "夕焼けの海と舟", "海",
    "그림 같은 바다",
    'He said "boat" AND left', "100% o_k", "boats", "a'b''c * ^ NEAR(x)", "", "été à Paris",
)  # fmt: skip
WORDS = (
    "boat", "PAPER boat", "paper  kite", "strasse", "fluss", "夕焼けの", "夕焼け", "海",
    "바다", "그림 바다", '"boat"', "AND", "and left", "o_k", "%", "100%", "a'b", "b''c", "near(",
    "NEAR(x)", "ÉTÉ", "aris", "xyzzy", "oat sto", "boats storm",
)  # fmt: skip


@pytest.fixture
def prompts(alice: User) -> list[Video]:
    return [write(alice, prompt) for prompt in PROMPTS]


def write(user: User, prompt: str) -> Video:
    row = add(user)
    row.prompt = prompt
    row.save()
    return row


def found(words: str, *, is_large: bool) -> set[UUID]:
    owner = User.objects.get(username="alice")
    rows = search.matching(owner, words, is_large=is_large)
    return set(rows.values_list("pk", flat=True))


@pytest.mark.parametrize("words", WORDS)
def test_index_finds_what_reading_all_prompts_finds(prompts: list[Video], words: str) -> None:
    assert found(words, is_large=True) == found(words, is_large=False)


def test_index_finds_the_same_for_any_pieces_of_prompts(prompts: list[Video]) -> None:
    draw = random.Random(7)
    for _ in range(100):
        text = draw.choice(PROMPTS) + " "
        start = draw.randrange(len(text))
        words = text[start : start + draw.randrange(1, 9)]
        assert found(words, is_large=True) == found(words, is_large=False), words


def test_index_names_few_videos(prompts: list[Video]) -> None:
    assert prompt_index.candidates("KITE") == [prompts[1].pk]
    assert prompt_index.candidates("xyzzy") == []
    assert prompt_index.candidates("海 夕") is None


def test_frequent_words_are_left_to_the_list(prompts: list[Video]) -> None:
    assert prompt_index.candidates("kite", most=2) == [prompts[1].pk]
    assert prompt_index.candidates("boat", most=2) is None


def test_index_follows_changes_of_prompts(prompts: list[Video]) -> None:
    Video.objects.filter(pk=prompts[1].pk).update(search_text="a glass house")
    assert prompt_index.candidates("kite") == []
    assert prompt_index.candidates("glass") == [prompts[1].pk]
    Video.objects.filter(pk=prompts[1].pk).update(status=Video.Status.RUNNING)
    assert prompt_index.candidates("glass") == [prompts[1].pk]
    Video.objects.filter(pk=prompts[1].pk).delete()
    assert prompt_index.candidates("glass") == []


def test_nothing_of_a_prompt_is_in_the_index_when_the_account_is_erased(alice: User) -> None:
    order(alice, "A lighthouse")
    deletion.erase_account(alice)
    assert prompt_index.candidates("lighthouse") == []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT trigrams FROM videos_promptindex")
            assert cursor.fetchall() == [([],)]


@pytest.mark.parametrize(("active", "is_asked"), [(search.LARGE, False), (search.LARGE + 1, True)])
def test_large_libraries_are_searched_by_the_index(
    page: Client, api: APIClient, alice: User, bob: User, active: int, is_asked: bool
) -> None:
    for prompt in PROMPTS:
        write(alice, prompt)
        write(bob, prompt)
    LibraryCounts.objects.filter(user=alice).update(active=active)
    with CaptureQueriesContext(connection) as by_api:
        listed = api.get("/api/videos?q=storm").json()
    with CaptureQueriesContext(connection) as by_page:
        shown = page.get("/library/?q=storm").context["cards"]
    assert (listed["total"], [v["prompt"] for v in listed["videos"]]) == (1, [PROMPTS[0]])
    assert [card.video.prompt for card in shown] == [PROMPTS[0]]
    asked = [any("videos_promptindex" in q["sql"] for q in by) for by in (by_api, by_page)]
    assert asked == [is_asked] * 2


@pytest.mark.parametrize(
    "words", ["lighthouse", "LIGHT house", "EMIL", "emil@example", "{id}", "job_77"]
)
def test_staff_find_a_video_by_prompt_owner_and_ids(
    staff_client: Client, alice: User, words: str
) -> None:
    emil = create_user("emil")
    wanted = order(emil, "A lighthouse, a house")
    Video.objects.filter(pk=wanted.pk).update(engine_job_id="job_77")
    other = order(alice, "A boat")
    assert reloaded(other).engine_job_id == ""
    answer = staff_client.get("/admin/videos/video/", {"q": words.format(id=wanted.pk)})
    assert [row.pk for row in answer.context["cl"].result_list] == [wanted.pk]
