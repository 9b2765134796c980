"""The list of storyboards, and the page of one with its forms."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import LazySettings
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.ledger import credits
from tests.conftest import create_user
from tests.videos.conftest import failed, photo, upload
from tests.videos.storyboards.conftest import (
    board,
    board_of,
    generate,
    make_takes,
    shots_of,
)
from videos.models import MediaJob, Shot, Storyboard, Upload, Video
from videos.storyboards import generation

pytestmark = pytest.mark.django_db

__all__ = ["board"]
# Of both pages together.
QUERIES = 17


def at(name: str, board: Storyboard, shot: Shot | None = None) -> str:
    return reverse(name, args=[board.pk, shot.pk] if shot else [board.pk])


def shown(page: Client, board: Storyboard) -> str:
    answer = page.get(at("storyboard", board))
    assert answer.status_code == 200
    return answer.content.decode()


def send(page: Client, address: str, **fields: Any) -> Any:
    return page.post(address, {"token": str(uuid4()), **fields})


def test_storyboard_is_created_and_listed(page: Client, alice: User, bob: User) -> None:
    board_of(bob, "a", "b")
    made = page.post(reverse("storyboards"), {"title": "Harbour"})
    board = Storyboard.objects.get(user=alice)
    assert (made.status_code, made["Location"]) == (303, at("storyboard", board))
    (video,) = make_takes(board_of(alice, "c"))
    listed = page.get(reverse("storyboards")).content.decode()
    assert (
        listed.count('class="card__title"'),
        f"{video.pk}/content?variant=thumbnail" in listed,
    ) == (
        2,
        True,
    )
    refused = page.post(reverse("storyboards"), {"title": " "})
    assert (refused.status_code, "Enter a name." in refused.content.decode()) == (422, True)
    assert at("storyboard", board) in page.get(reverse("storyboards")).content.decode()


def test_page_shows_each_shot_with_its_price_and_what_waits(
    page: Client, board: Storyboard
) -> None:
    text = shown(page, board)
    assert "2 shots · 8 s · 0 finished" in text
    assert text.count("Shot 2 waits for shot 1.") == 2
    assert 'name="expected_credits" value="20"' in text
    make_takes(board)
    assert "Shot 2 waits for shot 1." not in shown(page, board)


def test_shot_is_added_changed_moved_and_deleted(page: Client, alice: User) -> None:
    board = board_of(alice)
    add = at("shot-add", board)
    added = send(page, add, prompt="a", seconds="4", begins="", model="")
    assert (added.status_code, added["Location"]) == (303, f"{at('storyboard', board)}#add-shot")
    send(page, add, prompt="b", begins="", file=upload(photo(), "b.jpg", "image/jpeg"))
    a, b = shots_of(board)
    assert (a.seconds, b.seconds, a.first_image, b.first_image) == (
        4,
        0,
        None,
        Upload.objects.get(),
    )
    kept = {"prompt": "c", "begins": "image"}
    assert send(page, at("shot-change", board, b), **kept, quiet="1").status_code == 204
    assert Shot.objects.get(prompt="c").first_image is not None
    send(page, at("shot-change", board, b), prompt="c", begins="frame", model="sora-2-pro")
    shot = Shot.objects.get(pk=b.pk)
    assert (shot.prompt, shot.continues, shot.first_image, shot.model) == (
        "c", True, None, "sora-2-pro",
    )  # fmt: skip
    for to, order in (("up", "ca"), ("down", "ac"), ("1", "ca"), ("x", "ca"), ("99", "ac")):
        send(page, at("shot-move", board, b), to=to)
        assert "".join(shot.prompt for shot in shots_of(board)) == order
    send(page, at("shot-delete", board, a))
    assert [(shot.position, shot.prompt) for shot in shots_of(board)] == [(1, "c")]


def test_settings_are_saved(page: Client, board: Storyboard) -> None:
    fields = {"title": "Sea", "style": "grain", "model": "sora-2-pro", "size": "1024x1792"}
    send(page, at("storyboard-change", board), **fields)
    assert Storyboard.objects.filter(**fields).exists()
    # The size is that of the model before, which the other does not make.
    send(page, at("storyboard-change", board), **(fields | {"model": "sora-2"}))
    assert Storyboard.objects.filter(model="sora-2", size="").exists()


def test_takes_are_generated_once_at_the_price_shown(page: Client, board: Storyboard) -> None:
    address, form = at("storyboard-generate", board), {"expected_credits": "20", "token": "t"}
    for _ in range(2):
        page.post(address, form)
    assert (Video.objects.count(), credits.available(board.user)) == (1, 80)
    dear = page.post(address, {"expected_credits": "19", "shot": str(shots_of(board)[0].pk)})
    text = page.get(dear["Location"]).content.decode()
    assert "The price is now 20 credits, not 19." in text
    assert Video.objects.count() == 1


def test_take_is_picked_and_the_film_is_made(page: Client, alice: User) -> None:
    board = board_of(alice, "a", "b")
    (older, other), (first, _second) = make_takes(board), shots_of(board)
    (newer,) = make_takes(board, first)
    assert generation.plan(board).shots[0].state.picked == newer
    assert shown(page, board).count('class="takes__one"') == 2
    send(page, at("shot-pick", board, first), video=str(older.pk))
    assert generation.plan(board).shots[0].state.picked == older
    assert send(page, at("shot-pick", board, first), video="x").status_code == 404
    send(page, at("storyboard-film", board), crossfade="0.5", expected_credits="0")
    job = MediaJob.objects.get()
    assert (job.videos, job.recipe["join"]["crossfade"]) == ([older, other], 0.5)
    assert "data-film-active" in shown(page, board)


def test_failed_take_says_why(page: Client, alice: User) -> None:
    board = board_of(alice, "a")
    failed(generate(board)[0])
    text = shown(page, board)
    assert ("20 credits returned" in text, "Another take" in text) == (True, True)


def test_script_gets_the_sentence_of_a_refusal(page: Client, board: Storyboard) -> None:
    shot = shots_of(board)[0]
    refused = [
        send(page, at("shot-change", board, shot), prompt=" ", quiet="1"),
        send(page, at("shot-change", board, shot), prompt="x", seconds="7", quiet="1"),
        send(page, at("shot-add", board), prompt="x", file=upload(b"x", "x.png"), quiet="1"),
        send(page, at("storyboard-film", board), crossfade="9", quiet="1"),
        send(page, at("storyboard-film", board), quiet="1"),
    ]
    assert [answer.status_code for answer in refused] == [422] * 5
    assert [answer.content.decode().split(".")[0] for answer in refused] == [
        "Describe what the shot should show",
        "Sora 2 makes videos of 4, 8, 12, 16, 20 seconds",
        refused[2].content.decode().split(".")[0],
        "Ensure this value is less than or equal to 2",
        "A film needs two shots with a finished take",
    ]
    assert (Shot.objects.count(), Upload.objects.count(), MediaJob.objects.count()) == (2, 0, 0)


def test_credits_are_offered_where_they_do_not_suffice(
    page: Client, alice: User, settings: LazySettings
) -> None:
    board = board_of(alice, *"abcdef")
    assert ('id="generate-all"' in shown(page, board)) is False
    answer = send(page, at("storyboard-generate", board), expected_credits="120")
    assert "so you need 20 more" in page.get(answer["Location"]).content.decode()
    settings.BILLING = False
    assert 'id="generate-all"' in shown(page, board)


def test_storyboard_is_deleted_after_a_question(page: Client, board: Storyboard) -> None:
    make_takes(board)
    address = at("storyboard-delete", board)
    assert "Delete this storyboard?" in page.get(address).content.decode()
    answer = page.post(address)
    assert (answer["Location"], Storyboard.objects.count()) == (reverse("storyboards"), 0)
    assert Video.objects.kept().count() == 1


def test_strangers_find_nothing_and_the_anonymous_are_asked_to_sign_in(board: Storyboard) -> None:
    shot = shots_of(board)[0]
    of_board = ("change", "delete", "generate", "film")
    posts = [at(f"storyboard-{name}", board) for name in of_board] + [at("shot-add", board)]
    posts += [at(f"shot-{name}", board, shot) for name in ("change", "move", "delete", "pick")]
    bob = Client()
    bob.force_login(create_user("bob"))
    form = {"prompt": "x", "title": "x", "video": str(uuid4()), "to": "up"}
    codes = {bob.post(address, form).status_code for address in posts}
    assert (codes, bob.get(at("storyboard", board)).status_code) == ({404}, 404)
    own = board_of(board.user, "y")
    assert bob.post(at("shot-delete", own, shot)).status_code == 404
    for address in [reverse("storyboards"), at("storyboard", board)]:
        assert Client().get(address)["Location"].startswith("/accounts/login/")
    for address in posts:
        assert Client().post(address, form)["Location"].startswith("/accounts/login/")
    assert Shot.objects.count() == 3


def test_pages_need_as_many_queries_for_many_shots(
    page: Client, alice: User, django_assert_num_queries: Callable[..., Any]
) -> None:
    board = board_of(alice, "a")
    make_takes(board)
    shown(page, board)
    with django_assert_num_queries(QUERIES):
        shown(page, board)
        page.get(reverse("storyboards"))
    credits.grant(alice, 500, credits.Kind.EARNED, "plenty", expires_at=None)
    for other in (board, board_of(alice)):
        for prompt in "bcd":
            send(page, at("shot-add", other), prompt=prompt, seconds="4")
        make_takes(other)
    with django_assert_num_queries(QUERIES):
        shown(page, board)
        page.get(reverse("storyboards"))
