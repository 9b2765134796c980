"""Tell a user's sockets what changed: numbered facts, sent when the change is committed."""

from uuid import UUID

from django.db import connection, transaction

from config.lib import broadcast
from videos import representations
from videos.models import Feed, Video


def group_of(user_id: UUID) -> str:
    """The channel group of one user's sockets."""
    return f"user.{user_id.hex}"


def next_seq(user_id: UUID, count: int = 1) -> int:
    """Take the next `count` numbers of a user's stream and return the last of them.

    Holds the user's feed row until the commit; a count of 0 does only that.
    Numbers therefore become visible in their order, so `resume` can trust the last one it saw.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO videos_feed (user_id, seq) VALUES (%s, %s)"
            " ON CONFLICT (user_id) DO UPDATE SET seq = videos_feed.seq + excluded.seq"
            " RETURNING seq",
            [Feed._meta.pk.get_db_prep_value(user_id, connection), count],
        )
        return int(cursor.fetchone()[0])


def current_seq(user_id: UUID) -> int:
    return Feed.objects.filter(user_id=user_id).values_list("seq", flat=True).first() or 0


def changed(video: Video) -> None:
    """Send a video's news to its owner once the transaction commits; never fails its caller."""
    message = {"type": "video.update", "event": representations.update_event(video)}
    group = group_of(video.user_id)
    transaction.on_commit(lambda: broadcast.send(group, message))
