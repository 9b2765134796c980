"""Generating shots: what is ordered for which price, what waits, and what a refusal leaves."""

from typing import Any

import pytest
from django.conf import LazySettings

from accounts.models import User
from billing.ledger import credits, invariants
from config.lib import idempotency
from config.lib.idempotency import RequestKey
from tests.videos.conftest import completed, failed, photo, upload
from tests.videos.editing.conftest import film as film_file
from tests.videos.editing.conftest import fresh, make_edits, result_of
from tests.videos.storyboards.conftest import (
    board_of,
    generate,
    make_takes,
    shots_of,
)
from videos.editing import jobs
from videos.editing.recipes import NotEditable
from videos.jobs import moderation, removal
from videos.jobs.orders import PriceChanged
from videos.jobs.state_machine import NotPossible
from videos.media import uploads
from videos.models import ShotTake, Storyboard, Upload, Video
from videos.storyboards import film, generation, shots
from videos.storyboards.film import FilmOrder
from videos.storyboards.generation import GenerateOrder

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["make_edits"]


def test_shots_are_ordered_with_the_style_and_the_choices(alice: User) -> None:
    board = board_of(alice, "a", "b", style="grain", size="720x1280")
    first, second = shots_of(board)
    shots.change(second, {"model": "sora-2-pro", "seconds": 8})
    plan = generation.plan(board)
    assert [one.credits for one in plan.shots] == [20, 30]
    videos = generate(board, max_credits=50)
    assert [
        (v.prompt, v.requested_model, v.model, v.size, v.seconds, v.credits) for v in videos
    ] == [
        ("a\ngrain", videos[0].requested_model, videos[0].model, "720x1280", 4, 20),
        ("b\ngrain", "", "sora-2-pro", "720x1280", 8, 30),
    ]
    assert [(take.shot, take.video) for take in ShotTake.objects.order_by("pk")] == [
        (first, videos[0]),
        (second, videos[1]),
    ]
    assert (credits.available(alice), generation.plan(board).total) == (50, 0)


def test_own_model_that_lacks_the_size_has_its_default(alice: User) -> None:
    board = board_of(alice, "a", model="sora-2-pro", size="1024x1792")
    (shot,) = shots_of(board)
    shots.change(shot, {"model": "sora-2"})
    assert [video.size for video in generate(board)] == ["1280x720"]


def test_shot_that_continues_waits_and_then_begins_with_the_last_frame(board: Storyboard) -> None:
    plan = generation.plan(board)
    assert [one.obstacle for one in plan.shots] == ["", "Shot 2 waits for shot 1."]
    assert ([one.shot.position for one in plan.due], plan.total) == ([1], 20)
    with pytest.raises(NotPossible, match="Shot 2 waits for shot 1"):
        generate(board, shots_of(board)[1])
    (first,) = generate(board)
    assert Upload.objects.count() == 0
    with pytest.raises(NotPossible, match="Shot 2 waits for shot 1"):
        generate(board)
    completed(first, film_file())
    assert (generation.plan(board).total, generation.plan(board).shots[1].credits) == (25, 25)
    (second,) = generate(board, max_credits=25)
    assert (second.operation, second.credits) == ("image", 25)
    assert second.first_image is not None
    assert (second.first_image.width, second.first_image.height) == (64, 48)
    assert "frame-at-" in second.first_image.name
    assert generation.plan(board).due == []


def test_first_shot_continues_nothing(board: Storyboard) -> None:
    shots.move(shots_of(board)[1], 1)
    assert [video.operation for video in generate(board)] == ["text", "text"]


def test_image_of_a_shot_is_its_first_image(alice: User) -> None:
    board = board_of(alice, "a")
    image = uploads.store_image(alice, upload(photo()))
    shots.change(shots_of(board)[0], {"first_image": image})
    assert [(v.first_image, v.credits) for v in generate(board)] == [(image, 25)]


def test_failed_and_deleted_takes_are_due_again_and_more_takes_are_ordered_by_name(
    alice: User, settings: LazySettings
) -> None:
    board = board_of(alice, "a", "b")
    lost, gone = generate(board)
    failed(lost)
    completed(gone, film_file())
    removal.delete(gone)
    assert generation.plan(board).total == 40
    again = make_takes(board)
    assert (len(again), generation.plan(board).due) == (2, [])
    with pytest.raises(NotPossible, match="no shot left"):
        generate(board)
    assert len(generate(board, shots_of(board)[0])) == 1
    assert invariants.problems() == []


def test_nothing_is_written_when_the_order_is_refused(
    board: Storyboard, settings: LazySettings
) -> None:
    make_takes(board, shots_of(board)[0])
    shots.add(board, {"prompt": "c [[fail:moderation_blocked]]", "seconds": 4})
    before = (Video.objects.count(), credits.available(board.user))
    with pytest.raises(PriceChanged):
        generate(board, max_credits=44)
    stranger_shot = shots_of(board_of(board.user, "x"))[0]
    with pytest.raises(NotPossible, match="no such shot"):
        generate(board, stranger_shot)
    settings.MODERATION = "rules"
    settings.MODERATION_STRIKES = 0
    shots.change(shots_of(board)[2], {"prompt": "how to build a pipe bomb at home"})
    with pytest.raises(moderation.ContentRefused, match="Shot 3: The content check"):
        generate(board)
    shots.change(shots_of(board)[2], {"prompt": "c"})
    credits.spend(board.user, 40, "spent elsewhere", credits.Purpose("test", "1", "x"))
    with pytest.raises(credits.NotEnoughCredits):
        generate(board)
    assert (Video.objects.count(), credits.available(board.user)) == (before[0], before[1] - 40)
    assert (Upload.objects.count(), ShotTake.objects.count()) == (0, 1)


def test_repeated_request_is_answered_with_the_same_videos(alice: User) -> None:
    board = board_of(alice, "a", "b")
    key = RequestKey(alice.pk, "k", "f" * 64)
    results = [
        idempotency.run(key, lambda: generation.generate(alice, board, GenerateOrder(), key))
        for _ in range(2)
    ]
    assert [outcome.is_replay for outcome in results] == [False, True]
    first, second = [generation.videos_of(outcome.result) for outcome in results]
    assert (first, len(first), Video.objects.count()) == (second, 2, 2)


def test_picked_takes_become_a_film_in_their_order(board: Storyboard, make_edits: Any) -> None:
    with pytest.raises(NotPossible, match="two shots"):
        film.make(board.user, board, FilmOrder())
    make_takes(board)
    make_takes(board)
    shots.add(board, {"prompt": "without a take"})
    one, two = [each.state.picked for each in generation.plan(board).shots[:2]]
    with pytest.raises(NotEditable):
        film.make(board.user, board, FilmOrder(crossfade=2.5))
    job = film.make(board.user, board, FilmOrder())
    assert (job.videos, Storyboard.objects.get().film) == ([one, two], job)
    with pytest.raises(NotPossible, match="being made"):
        film.make(board.user, board, FilmOrder())
    make_edits()
    result = result_of(job)
    assert (result.frames, result.green(0)) == (48, result.green(24))
    shots.move(shots_of(board)[1], 1)
    again = film.make(board.user, board, FilmOrder())
    assert (again.videos, Storyboard.objects.get().film) == ([two, one], again)
    jobs.cancel(again)
    assert fresh(again).status == "cancelled"
