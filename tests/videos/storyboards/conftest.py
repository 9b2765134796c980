"""Storyboards whose shots have takes that are finished without a worker."""

from typing import Any

import pytest

from accounts.models import User
from tests.videos.conftest import completed
from tests.videos.editing.conftest import film as film_file
from videos.models import Shot, Storyboard, Video
from videos.storyboards import boards, generation, shots
from videos.storyboards.generation import GenerateOrder


def board_of(user: User, *prompts: str, **fields: Any) -> Storyboard:
    """A storyboard with these shots of four seconds; a prompt that begins with "…" continues."""
    board = boards.create(user, "Harbour", **fields)
    for prompt in prompts:
        values = {"prompt": prompt, "seconds": 4, "continues": prompt.startswith("…")}
        shots.add(board, values)
    return board


def shots_of(board: Storyboard) -> list[Shot]:
    return [one.shot for one in generation.plan(board).shots]


def generate(board: Storyboard, *chosen: Shot, **fields: Any) -> list[Video]:
    """Order takes of these shots, or of all that are due."""
    ids = [shot.pk for shot in chosen] or None
    first = generation.generate(board.user, board, GenerateOrder(ids, **fields))
    return generation.videos_of(first)


def make_takes(board: Storyboard, *chosen: Shot) -> list[Video]:
    """Order takes as `generate` does, and finish them with a film of a second."""
    return [completed(video, film_file()) for video in generate(board, *chosen)]


def picks(board: Storyboard) -> list[Video | None]:
    return [one.state.picked for one in generation.plan(board).shots]


@pytest.fixture
def board(alice: User) -> Storyboard:
    """A storyboard of two shots, the second of which continues the first."""
    return board_of(alice, "A boat leaves", "… and passes the lighthouse", style="35 mm, grain")
