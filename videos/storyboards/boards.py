"""A user's storyboards: list, create, change and delete them."""

from collections.abc import Mapping
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Count, OuterRef, Subquery, UUIDField
from django.utils.translation import gettext as _

from config.lib import clock
from videos import feed
from videos.catalog import offers
from videos.models import Shot, ShotTake, Storyboard, Video

MOST_BOARDS = 100


class TooManyBoards(Exception):
    """The user keeps MOST_BOARDS storyboards already; nothing was created."""


class ListedBoard(NamedTuple):
    """A storyboard in a list: how many shots it has, and the id of a finished take."""

    board: Storyboard
    shots: int
    cover: UUID | None


def of_user(user: AbstractBaseUser) -> list[ListedBoard]:
    """Return a user's storyboards, the last changed first, with one query."""
    takes = ShotTake.objects.filter(
        shot__storyboard=OuterRef("pk"),
        video__deleted_at=None,
        video__status=Video.Status.SUCCEEDED,
    ).order_by("shot__position", "-video__created_at")
    shots = Shot.objects.filter(storyboard=OuterRef("pk")).order_by().values("storyboard")
    rows = Storyboard.objects.of(user).order_by("-updated_at", "id")
    rows_with = rows.annotate(
        shot_count=Subquery(shots.annotate(n=Count("pk")).values("n")),
        cover=Subquery(takes.values("video_id")[:1], output_field=UUIDField()),
    )
    return [ListedBoard(row, row.shot_count or 0, row.cover) for row in rows_with]


def find(user: AbstractBaseUser, board_id: UUID) -> Storyboard | None:
    """Return a storyboard of this user; None for another user's, as for an unknown id."""
    return Storyboard.objects.of(user).select_related("film").filter(pk=board_id).first()


def create(
    user: AbstractBaseUser, title: str, style: str = "", model: str = "", size: str = ""
) -> Storyboard:
    """Create a storyboard without shots. Raises TooManyBoards or offers.NotOffered."""
    _check_offered(model, size)
    now = clock.now()
    # One user's storyboards are counted and created one after the other.
    with feed.lock(user.pk):
        if Storyboard.objects.of(user).count() >= MOST_BOARDS:
            text = _("You keep %(n)d storyboards, which is the most. Delete one first.")
            raise TooManyBoards(text % {"n": MOST_BOARDS})
        return Storyboard.objects.create(
            user_id=user.pk,
            title=title,
            style=style,
            model=model,
            size=size,
            created_at=now,
            updated_at=now,
        )


def change(board: Storyboard, changes: Mapping[str, str]) -> None:
    """Change title, style, model or size. Raises offers.NotOffered; then nothing is written.

    With another model a size that it does not make becomes its own default, unless it is given.
    """
    model = changes.get("model", board.model)
    size = changes.get("size", board.size)
    if "model" in changes and "size" not in changes and not _makes(model, size):
        size = ""
    if "model" in changes or "size" in changes:
        _check_offered(model, size)
    board.title = changes.get("title", board.title)
    board.style = changes.get("style", board.style)
    board.model, board.size, board.updated_at = model, size, clock.now()
    board.save(update_fields=["title", "style", "model", "size", "updated_at"])


def delete(board: Storyboard) -> None:
    """Delete a storyboard with its shots; its videos stay in the library."""
    with feed.lock(board.user_id):
        board.delete()


def touch(board_id: UUID) -> None:
    """Note that a storyboard was changed just now."""
    Storyboard.objects.filter(pk=board_id).update(updated_at=clock.now())


def _check_offered(model: str, size: str) -> None:
    if model or size:
        word, size, seconds = offers.complete(model, size, 0)
        offers.check_values(word, size, seconds)


def _makes(model: str, size: str) -> bool:
    return not size or size in offers.find(model or offers.default_word()).by_size
