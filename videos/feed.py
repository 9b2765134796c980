"""A user's feed: every change of their videos gets the next number and is sent to their sockets.

The row of a user's feed is also the lock that serialises what one user does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import connection, transaction

from config.lib.realtime import broadcast
from videos import representations
from videos.models import Feed, Video


def group_of(user_id: UUID) -> str:
    """The channel group of one user's sockets."""
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
    become visible in their order and `resume` can trust the last one it saw.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO videos_feed (user_id, sequence) VALUES (%s, %s)"
            " ON CONFLICT (user_id) DO UPDATE"
            " SET sequence = videos_feed.sequence + excluded.sequence"
            " RETURNING sequence",
            [Feed._meta.pk.get_db_prep_value(user_id, connection), count],
        )
        return int(cursor.fetchone()[0])


def current_sequence(user_id: UUID) -> int:
    """The number of the last change of a user's videos; 0 before the first."""
    return Feed.objects.filter(user_id=user_id).values_list("sequence", flat=True).first() or 0


def publish_change(video: Video) -> None:
    """Send a video's change to its owner's sockets once the transaction commits; never fails."""
    message = {"type": "video.update", "event": representations.update_event(video)}
    group = group_of(video.user_id)
    transaction.on_commit(lambda: broadcast.send(group, message))
