"""A user's feed: every change of their videos gets the next number and is sent to their clients.

The row of a user's feed is also the lock that serialises what one user does.

Each change of a status is kept for KEPT, as it was sent. Progress is not kept: whoever missed it
gets the video once, as it is now, and so it is with a video that changed before that time.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple, TypeGuard
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from config.lib import batches, clock
from config.lib.realtime import broadcast
from videos import representations
from videos.models import Feed, FeedEvent, Video

KEPT = timedelta(days=1)
ALLOCATE = """
INSERT INTO videos_feed (user_id, sequence) VALUES {rows}
ON CONFLICT (user_id) DO UPDATE SET sequence = videos_feed.sequence + excluded.sequence
RETURNING user_id, sequence
"""


class Missed(NamedTuple):
    """Events after a number, in order.

    `next` is the number to ask with the next time; unless `complete`, there is more to ask for.
    `reset` says that the number was never given out, as after a restored backup: then there are no
    events, and `next` is the present number.
    """

    events: list[dict[str, Any]]
    next: int
    complete: bool
    reset: bool = False

    def answer(self) -> dict[str, Any]:
        """Return the answer of a poll."""
        ends = {"next": self.next, "complete": self.complete, "reset": self.reset}
        return {"events": self.events, **ends}

    def summary(self, after: int) -> dict[str, Any]:
        """Return what is said after the events to whoever asked for those after `after`."""
        return {
            "after": after,
            "next": self.next,
            "complete": self.complete,
            "reset": self.reset,
        }


def is_number(value: object) -> TypeGuard[int]:
    """Return whether this may be the number of an event, as a client sent it."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def group_of(user_id: UUID) -> str:
    """The channel group of one user's connections."""
    return f"user.{user_id.hex}"


@contextmanager
def lock(user_id: UUID) -> Iterator[None]:
    """Run a block in a transaction that holds the user's feed until it commits.

    Whatever else locks or numbers the same user's feed waits for that commit.
    """
    with transaction.atomic():
        allocate_sequence(user_id, 0)
        yield


def allocate_sequence(user_id: UUID, count: int = 1) -> int:
    """Take the next `count` numbers of a user's feed and return the last of them.

    Must be called in a transaction: the feed's row stays locked until the commit, so numbers
    become visible in their order and a client can trust the last one it saw.
    """
    return allocate_sequences({user_id: count})[user_id]


def allocate_sequences(counts: Mapping[UUID, int]) -> dict[UUID, int]:
    """Take that many next numbers of each user's feed and return the last of each.

    Must be called in a transaction, as `allocate_sequence`. The feeds are locked in the order of
    the users' ids, so that nobody waits for somebody who waits for him.
    """
    if not counts:
        return {}
    wanted = sorted(counts.items())
    values = [
        v
        for user_id, n in wanted
        for v in (Feed._meta.pk.get_db_prep_value(user_id, connection), n)
    ]
    with connection.cursor() as cursor:
        cursor.execute(ALLOCATE.format(rows=", ".join(["(%s, %s)"] * len(wanted))), values)
        return {UUID(str(user_id)): int(last) for user_id, last in cursor.fetchall()}


def lock_feeds(user_ids: Iterable[UUID]) -> None:
    """Lock the feeds of these users, in the order of their ids, until the transaction ends.

    On SQLite a transaction that writes excludes all others anyway.
    """
    if connection.features.has_select_for_update:
        list(Feed.objects.select_for_update().filter(pk__in=set(user_ids)).order_by("pk"))


def current_sequence(user_id: UUID) -> int:
    """The number of the last change of a user's videos; 0 before the first."""
    return Feed.objects.filter(user_id=user_id).values_list("sequence", flat=True).first() or 0


def publish_change(video: Video) -> None:
    """Keep a change of a video's status, and send it once the caller's transaction commits."""
    event = representations.update_event(video)
    FeedEvent.objects.create(
        user_id=video.user_id, sequence=video.sequence, body=event, created_at=clock.now()
    )
    _send([(video.user_id, event)])


def publish_progress(videos: Iterable[Video]) -> None:
    """Send how far videos are once the caller's transaction commits; never fails."""
    _send([(video.user_id, representations.update_event(video)) for video in videos])


def _send(events: Iterable[tuple[UUID, dict[str, Any]]]) -> None:
    messages = [
        (group_of(user_id), {"type": "video.update", "event": event}) for user_id, event in events
    ]
    transaction.on_commit(lambda: broadcast.send_all(messages))


def missed(user_id: UUID, after: int) -> Missed:
    """At most EVENTS_AT_ONCE events of a user after a number; one query when there are none."""
    current = current_sequence(user_id)
    if after >= current:
        return Missed([], current, complete=after == current, reset=after > current)
    limit = settings.EVENTS_AT_ONCE
    # Only up to `current`, so that what changes meanwhile does not hide what came before it.
    span = {"user_id": user_id, "sequence__gt": after, "sequence__lte": current}
    changed = Video.objects.filter(**span).order_by("sequence")[: limit + 1]
    found = {video.sequence: representations.update_event(video) for video in changed}
    kept = FeedEvent.objects.filter(**span).order_by("sequence")[: limit + 1]
    found |= kept.values_list("sequence", "body")
    numbers = sorted(found)[: limit + 1]
    events = [found[number] for number in numbers[:limit]]
    if len(numbers) > limit:
        return Missed(events, events[-1]["seq"], complete=False)
    return Missed(events, current, complete=True)


def delete_expired() -> None:
    """Delete the events that need not be kept any more."""
    batches.delete(FeedEvent.objects.filter(created_at__lt=clock.now() - KEPT))
