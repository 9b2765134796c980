"""The shots of a storyboard: add, change, move and delete them, and pick a take."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from videos import feed
from videos.catalog import offers
from videos.jobs.state_machine import NotPossible
from videos.models import Shot, ShotTake, Storyboard, Upload
from videos.models.storyboard import STYLE_MAX
from videos.storyboards import boards, state

# A shot has one of them at most.
BEGINNINGS = {"first_image", "continues"}
# The style follows on a line of its own.
PROMPT_MAX = offers.PROMPT_MAX - STYLE_MAX - 1


class TooManyShots(Exception):
    """The storyboard has as many shots as a film may join; nothing was added."""


def most() -> int:
    """How many shots a storyboard has at most: as many as a film may be joined of."""
    return settings.EDIT_MAX_VIDEOS


def find(board: Storyboard, shot_id: UUID) -> Shot | None:
    """Return a shot of this storyboard; None for one of another."""
    shot = board.shots.filter(pk=shot_id).first()
    if shot:
        shot.storyboard = board
    return shot


def add(board: Storyboard, values: Mapping[str, Any]) -> Shot:
    """Add a shot at the end, with the values that `change` takes; `prompt` has to be there.

    Raises TooManyShots, NotPossible when the storyboard was deleted, or what `change` raises; then
    nothing is written.
    """
    shot = Shot(storyboard=board)
    _set(shot, values)
    with feed.lock(board.user_id):
        if not Storyboard.objects.filter(pk=board.pk).exists():
            raise NotPossible(_("This storyboard was deleted."))
        count = board.shots.count()
        if count >= most():
            text = _("A storyboard has at most %(n)d shots: a film joins no more.")
            raise TooManyShots(text % {"n": most()})
        _lock_image(shot.first_image)
        shot.position = count + 1
        shot.save(force_insert=True)
        boards.touch(board.pk)
    return shot


def change(shot: Shot, values: Mapping[str, Any]) -> None:
    """Change `prompt`, `seconds`, `model`, `first_image` or `continues`.

    A shot that gets an image no longer continues the one before it, and the other way round.
    Raises offers.NotOffered or NotPossible; then nothing is written. Takes stay as they are.
    """
    _set(shot, values)
    with feed.lock(shot.storyboard.user_id):
        _lock_image(shot.first_image if "first_image" in values else None)
        fields = {*values, *(BEGINNINGS if BEGINNINGS & values.keys() else ())}
        new = {name: getattr(shot, name) for name in fields}
        if not Shot.objects.filter(pk=shot.pk).update(**new):
            raise NotPossible(_("This shot was deleted."))
        boards.touch(shot.storyboard_id)


def edit(
    shot: Shot,
    values: Mapping[str, Any],
    position: int | None = None,
    picked: UUID | None = None,
) -> None:
    """Do what `change`, `pick` and `move` do, all of it or nothing. Raises what they raise."""
    with feed.lock(shot.storyboard.user_id):
        if values:
            change(shot, values)
        if picked:
            pick(shot, picked)
        if position is not None:
            move(shot, position)


def move(shot: Shot, position: int) -> None:
    """Give a shot another place, from 1; a number past the end is the last place.

    Raises NotPossible when the shot was deleted.
    """
    with feed.lock(shot.storyboard.user_id):
        found = list(shot.storyboard.shots.all())
        others = [one for one in found if one.pk != shot.pk]
        if len(others) == len(found):
            raise NotPossible(_("This shot was deleted."))
        place = min(max(position, 1), len(others) + 1) - 1
        _renumber([*others[:place], shot, *others[place:]])
        boards.touch(shot.storyboard_id)


def delete(shot: Shot) -> None:
    """Delete a shot; the videos that were made for it stay in the library. Safe to repeat."""
    with feed.lock(shot.storyboard.user_id):
        Shot.objects.filter(pk=shot.pk).delete()
        _renumber(list(shot.storyboard.shots.all()))
        boards.touch(shot.storyboard_id)


def pick(shot: Shot, video_id: UUID) -> None:
    """Pick a finished take of a shot. Raises NotPossible for any other video."""
    with feed.lock(shot.storyboard.user_id):
        rows = ShotTake.objects.filter(shot=shot, video=video_id, video__deleted_at=None)
        take = rows.select_related("video").first()
        if take is None or not state.is_usable(take.video):
            raise NotPossible(_("Only a finished take of this shot can be picked."))
        Shot.objects.filter(pk=shot.pk).update(picked=video_id)
        boards.touch(shot.storyboard_id)


def _set(shot: Shot, values: Mapping[str, Any]) -> None:
    for name in ("prompt", "seconds", "model", "first_image", "continues"):
        if name in values:
            setattr(shot, name, values[name])
    if values.get("continues"):
        shot.first_image = None
    elif values.get("first_image"):
        shot.continues = False
    if values.get("model") or values.get("seconds"):
        order = state.order_of(shot.storyboard, shot)
        word, size, seconds = offers.complete(order.model, order.size, order.seconds)
        offers.check_values(word, size, seconds)


def _renumber(shots: list[Shot]) -> None:
    for position, shot in enumerate(shots, 1):
        if shot.position != position:
            shot.position = position
            Shot.objects.filter(pk=shot.pk).update(position=position)


def _lock_image(image: Upload | None) -> None:
    """Lock the image, so that it is not deleted as unused before the shot is written."""
    if image is None:
        return
    rows = Upload.objects.select_for_update(no_key=True).filter(pk=image.pk, stored=True)
    if not rows.exists():
        raise offers.NotOffered("first_image", _("The image was deleted. Upload it again."))
