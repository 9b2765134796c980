"""Storyboards and their shots: what is kept of each, in which order, and how many."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.utils import timezone

from accounts.models import User
from tests.videos.conftest import photo, upload
from tests.videos.storyboards.conftest import board_of, generate, make_takes, picks, shots_of
from videos.account import deletion
from videos.catalog.offers import NotOffered
from videos.jobs import removal
from videos.jobs.state_machine import NotPossible
from videos.media import upload_cleanup, uploads
from videos.models import Shot, Storyboard, Upload, Video
from videos.storyboards import boards, generation, shots

pytestmark = pytest.mark.django_db


def prompts(board: Storyboard) -> list[tuple[int, str]]:
    return [(shot.position, shot.prompt) for shot in shots_of(board)]


def test_shots_are_added_moved_and_deleted_without_a_gap(alice: User) -> None:
    board = board_of(alice, "a", "b", "c", "d")
    a, b, _c, d = shots_of(board)
    shots.move(d, 2)
    assert prompts(board) == [(1, "a"), (2, "d"), (3, "b"), (4, "c")]
    shots.move(a, 99)
    assert prompts(board) == [(1, "d"), (2, "b"), (3, "c"), (4, "a")]
    shots.delete(b)
    assert prompts(board) == [(1, "d"), (2, "c"), (3, "a")]
    with pytest.raises(NotPossible):
        shots.move(b, 1)
    with pytest.raises(NotPossible):
        shots.change(b, {"prompt": "x"})


def test_limits_of_shots_and_storyboards_are_kept(
    alice: User, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EDIT_MAX_VIDEOS = 2
    board = board_of(alice, "a", "b")
    with pytest.raises(shots.TooManyShots):
        shots.add(board, {"prompt": "c"})
    now = timezone.now()
    Storyboard.objects.bulk_create(
        Storyboard(user=alice, title=str(n), created_at=now, updated_at=now)
        for n in range(boards.MOST_BOARDS - 1)
    )
    with pytest.raises(boards.TooManyBoards):
        boards.create(alice, "one more")
    assert (Storyboard.objects.count(), Shot.objects.count()) == (100, 2)


def test_what_no_model_makes_is_refused(alice: User) -> None:
    with pytest.raises(NotOffered):
        boards.create(alice, "x", model="nonsense")
    board = board_of(alice, "a", size="720x1280")
    (shot,) = shots_of(board)
    for values in ({"seconds": 5}, {"model": "nonsense"}):
        with pytest.raises(NotOffered):
            shots.change(shot, values)
    with pytest.raises(NotOffered):
        boards.change(board, {"size": "1x1"})
    assert Shot.objects.get().seconds == 4
    boards.change(board, {"model": "sora-2-pro", "size": "1024x1792"})
    boards.change(board, {"model": "sora-2"})
    assert (board.model, board.size) == ("sora-2", "")


def test_shot_begins_with_an_image_or_with_the_frame_before(alice: User) -> None:
    board = board_of(alice, "a", "… b")
    shot = shots_of(board)[1]
    image = uploads.store_image(alice, upload(photo()))
    shots.change(shot, {"first_image": image})
    assert Shot.objects.filter(pk=shot.pk).values("continues", "first_image").get() == {
        "continues": False,
        "first_image": image.pk,
    }
    shots.change(shot, {"continues": True})
    assert Shot.objects.get(pk=shot.pk).first_image is None


def test_image_of_a_shot_is_kept_until_the_shot_is_gone(alice: User) -> None:
    board = board_of(alice, "a")
    (shot,) = shots_of(board)
    image = uploads.store_image(alice, upload(photo()))
    shots.change(shot, {"first_image": image})
    Upload.objects.update(created_at=timezone.now() - timedelta(days=30))
    assert upload_cleanup.delete_unused() == 0
    boards.delete(board)
    assert upload_cleanup.delete_unused() == 1
    other = board_of(alice, "b")
    with pytest.raises(NotOffered, match="deleted"):
        shots.add(other, {"prompt": "c", "first_image": image})


def test_newest_finished_take_is_picked_until_another_one_is(alice: User) -> None:
    board = board_of(alice, "a", "b")
    first, second = shots_of(board)
    assert picks(board) == [None, None]
    (older,) = make_takes(board, first)
    (newer,) = make_takes(board, first)
    (waiting,) = generate(board, first)
    assert picks(board) == [newer, None]
    shots.pick(first, older.pk)
    assert picks(board) == [older, None]
    for shot, video in ((second, older), (first, waiting)):
        with pytest.raises(NotPossible):
            shots.pick(shot, video.pk)
    removal.delete(older)
    assert picks(board) == [newer, None]
    assert [len(one.state.takes) for one in generation.plan(board).shots] == [2, 0]


def test_takes_stay_in_the_library_when_their_storyboard_is_deleted(alice: User) -> None:
    board = board_of(alice, "a")
    (video,) = make_takes(board)
    boards.delete(board)
    assert (Video.objects.kept().get(), Storyboard.objects.count()) == (video, 0)


def test_storyboards_are_erased_with_the_account(alice: User, bob: User) -> None:
    board_of(alice, "secret")
    kept = board_of(bob, "b")
    deletion.erase_account(alice)
    assert (Storyboard.objects.get(), Shot.objects.get().prompt) == (kept, "b")
