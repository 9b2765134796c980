"""What users do with their own waiting and rendering videos: cancel all, pause, resume, reorder.

A paused order keeps its place among its owner's orders and its charge; it waits without a deadline.
Moving an order to the front changes nothing for other users: they take turns.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Case, Count, IntegerField, Sum, When
from django.utils.translation import gettext as _

from videos import feed
from videos.jobs import cancellation, state_machine
from videos.jobs.cancellation import TooManyCancellations
from videos.models import Video
from videos.models.video import VideoQuerySet

Status = Video.Status

# Orders that an interface lists; the rest is counted.
MOST_LISTED = 100


@dataclass
class Cancelled:
    """What was cancelled, and why the rest was not."""

    videos: list[Video] = field(default_factory=list)
    refusal: TooManyCancellations | None = None

    @property
    def credits(self) -> int:
        """How many credits were returned."""
        return sum(video.credits for video in self.videos)


def waiting_of(user: AbstractBaseUser) -> VideoQuerySet:
    """The user's waiting orders in their order, paused ones among them."""
    return Video.objects.of(user).active().filter(status=Status.QUEUED).in_own_order()


def begun_of(user: AbstractBaseUser) -> VideoQuerySet:
    """The user's videos that have left the queue and not ended, those that render first."""
    rendering = Case(
        When(status__in=Video.RENDERING, then=0), default=1, output_field=IntegerField()
    )
    rows = Video.objects.of(user).active().exclude(status=Status.QUEUED)
    return rows.order_by(rendering, "created_at", "id")


def cancel_all(user: AbstractBaseUser, *, begun: bool) -> Cancelled:
    """Cancel all waiting orders, each by itself; with `begun` also what engines have begun.

    An order that an engine takes meanwhile counts as begun. Safe to repeat.
    """
    done = Cancelled()
    done.videos += [one for one in waiting_of(user) if state_machine.cancel_waiting(one)]
    for video in begun_of(user) if begun else ():
        try:
            cancellation.cancel(video)
        except TooManyCancellations as error:
            done.refusal = error
            break
        except state_machine.NotPossible:
            continue  # it has ended meanwhile
        done.videos.append(video)
    return done


def cancel_waiting(user: AbstractBaseUser) -> list[Video]:
    """Cancel all waiting orders and return those that were cancelled."""
    return cancel_all(user, begun=False).videos


def pause_all(user: AbstractBaseUser) -> list[Video]:
    """Pause all waiting orders and return those that were paused."""
    return _each(user, waiting_of(user).filter(paused_at=None), state_machine.pause)


def resume_all(user: AbstractBaseUser) -> list[Video]:
    """Resume all paused orders and return those that were resumed."""
    paused = waiting_of(user).filter(paused_at__isnull=False)
    return _each(user, paused, state_machine.resume)


def totals_of(rows: VideoQuerySet) -> dict[str, int]:
    """Return how many videos there are, how many of them are paused, and what they cost."""
    found = rows.order_by().aggregate(
        total=Count("pk"), paused=Count("paused_at"), credits=Sum("credits", default=0)
    )
    return {name: int(value) for name, value in found.items()}


def _cancel_one(video: Video) -> None:
    if not state_machine.cancel_waiting(video):
        raise state_machine.NotPossible(_("This order no longer waits."))


# What is done with one waiting order, and with all of them, by the words of the interfaces.
CHANGES: dict[str, Callable[[Video], None]] = {
    "pause": state_machine.pause,
    "resume": state_machine.resume,
    "front": state_machine.move_to_front,
    "cancel": _cancel_one,
}
CHANGES_OF_ALL: dict[str, Callable[[AbstractBaseUser], list[Video]]] = {
    "pause": pause_all,
    "resume": resume_all,
    "cancel": cancel_waiting,
}


def _each(user: AbstractBaseUser, rows: VideoQuerySet, act: Callable[[Video], None]) -> list[Video]:
    """Do it with each in one transaction; return those with which it was possible."""
    changed = []
    with feed.lock(user.pk):
        for video in rows:
            try:
                act(video)
            except state_machine.NotPossible:
                continue
            changed.append(video)
    return changed
