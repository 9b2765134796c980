"""The places of all orders in the queue, as clients see them.

Where an order stands depends on all that wait, so one query ranks the whole queue. While that is
long, a process remembers the ranking for KEPT_SECONDS, because every client that waits asks again
and again.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from videos.jobs.engine_choice.engine_limits import AT_ENGINE

# A queue of more orders than this is long.
SHORT = 200
KEPT_SECONDS = 2.0

# In the order of queue.next_orders.
RANKING = """
SELECT id, ROW_NUMBER() OVER (ORDER BY turn + COALESCE(rendering, 0), created_at, id) AS position
FROM (
    SELECT id, user_id, created_at, ROW_NUMBER() OVER (
        PARTITION BY user_id ORDER BY front_at DESC NULLS LAST, created_at, id
    ) AS turn
    FROM videos_video WHERE status = 'queued' AND paused_at IS NULL
) AS turns LEFT JOIN (
    SELECT user_id, COUNT(*) AS rendering FROM videos_video
    WHERE status IN (%s, %s, %s)
        AND user_id IN (SELECT user_id FROM videos_video WHERE status = 'queued')
    GROUP BY user_id
) AS busy ON busy.user_id = turns.user_id
"""


@dataclass(frozen=True)
class _Ranking:
    positions: dict[UUID, int]
    taken_at: float

    def answers(self, ids: Collection[UUID]) -> bool:
        """Whether it is still good for these orders; it knows none that came later."""
        is_fresh = time.monotonic() - self.taken_at < KEPT_SECONDS
        return is_fresh and len(self.positions) > SHORT and self.positions.keys() >= set(ids)


_last = _Ranking({}, 0.0)


def positions_of(ids: Collection[UUID]) -> dict[UUID, int]:
    """Return the places, from 1, of those of these orders that wait.

    While more than SHORT orders wait they are up to KEPT_SECONDS old.
    """
    global _last  # noqa: PLW0603
    last = _last
    if not last.answers(ids):
        _last = last = _rank()
    return {pk: last.positions[pk] for pk in ids if pk in last.positions}


def _rank() -> _Ranking:
    taken_at = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(RANKING, AT_ENGINE)
        rows = cursor.fetchall()
    return _Ranking({UUID(str(pk)): position for pk, position in rows}, taken_at)
