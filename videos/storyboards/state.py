"""How a storyboard stands: the takes of each shot, which is picked, and what waits for what."""

from dataclasses import dataclass
from functools import cached_property

from django.utils.translation import gettext as _

from videos.catalog import offers
from videos.jobs.orders import VideoOrder
from videos.models import Shot, ShotTake, Storyboard, Upload, Video


def is_usable(video: Video) -> bool:
    """Whether a video can be shown, continued and joined: it is finished and has a file."""
    return video.status == Video.Status.SUCCEEDED and video.has_file and not video.is_expired


@dataclass(frozen=True)
class ShotState:
    """A shot with its kept takes, the newest first, and the shot before it."""

    shot: Shot
    takes: tuple[Video, ...]
    before: "ShotState | None"

    @cached_property
    def picked(self) -> Video | None:
        """The take that its owner picked, else the newest finished one."""
        usable = [take for take in self.takes if is_usable(take)]
        chosen = (take for take in usable if take.pk == self.shot.picked_id)
        return next(chosen, usable[0] if usable else None)

    @property
    def newest(self) -> Video | None:
        return self.takes[0] if self.takes else None

    @property
    def is_active(self) -> bool:
        """Whether a take waits or renders."""
        return any(take.is_active for take in self.takes)

    @property
    def is_open(self) -> bool:
        """Whether it has neither a finished take nor one that waits or renders."""
        return self.picked is None and not self.is_active

    @property
    def continues(self) -> bool:
        """Whether it begins with the last frame of the shot before; the first has none."""
        return self.shot.continues and self.before is not None

    @property
    def waits_for(self) -> Shot | None:
        """The shot that needs a finished take before this one can be ordered."""
        if self.continues and self.before and self.before.picked is None:
            return self.before.shot
        return None

    @property
    def waiting(self) -> str:
        """Say what it waits for; "" when it can be ordered."""
        if self.waits_for is None:
            return ""
        numbers = {"n": self.shot.position, "other": self.waits_for.position}
        return _("Shot %(n)d waits for shot %(other)d.") % numbers


def read(board: Storyboard) -> list[ShotState]:
    """Read the shots of a storyboard in their order, with two queries."""
    shots = list(board.shots.select_related("first_image"))
    takes: dict[object, list[Video]] = {shot.pk: [] for shot in shots}
    rows = ShotTake.objects.filter(shot__in=list(takes), video__deleted_at=None)
    for row in rows.select_related("video").order_by("-video__created_at", "-video_id"):
        takes[row.shot_id].append(row.video)
    found: list[ShotState] = []
    for shot in shots:
        shot.storyboard = board
        found.append(ShotState(shot, tuple(takes[shot.pk]), found[-1] if found else None))
    return found


def order_of(board: Storyboard, shot: Shot, first_image: Upload | None = None) -> VideoOrder:
    """What is ordered for a shot: its prompt and the style; the size is the storyboard's.

    A shot with a model of its own that does not make that size has the default of its model.
    """
    size = board.size
    if shot.model and size and size not in offers.find(shot.model).by_size:
        size = ""
    return VideoOrder(
        prompt=f"{shot.prompt}\n{board.style}" if board.style else shot.prompt,
        model=shot.model or board.model,
        size=size,
        seconds=shot.seconds,
        first_image=first_image,
    )
