"""What users do with their own waiting and rendering videos: cancel all, pause, resume, reorder.

A paused order keeps its place among its owner's orders and its charge; it waits without a deadline.
Moving an order to the front changes nothing for other users: they take turns.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Case, IntegerField, When

from videos import feed
from videos.jobs import cancellation, state_machine
from videos.jobs.cancellation import TooManyCancellations
from videos.models import Video
from videos.models.video import VideoQuerySet

Status = Video.Status


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


def pause_all(user: AbstractBaseUser) -> int:
    """Pause all waiting orders and return how many."""
    return _each(user, waiting_of(user).filter(paused_at=None), state_machine.pause)


def resume_all(user: AbstractBaseUser) -> int:
    """Resume all paused orders and return how many."""
    paused = waiting_of(user).filter(paused_at__isnull=False)
    return _each(user, paused, state_machine.resume)


def _each(user: AbstractBaseUser, rows: VideoQuerySet, act: Callable[[Video], None]) -> int:
    """Do it with each in one transaction; return with how many it was possible."""
    count = 0
    with feed.lock(user.pk):
        for video in rows:
            try:
                act(video)
            except state_machine.NotPossible:
                continue
            count += 1
    return count
