"""What the operator limits for one user, and how much of it is used."""

from typing import TypedDict

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser

from videos.jobs import cancellation, queue


class Limit(TypedDict):
    """`limit` is None where the operator set none."""

    limit: int | None
    used: int


class Limits(TypedDict):
    jobs_at_once: Limit
    cancellations_per_day: Limit


def limits_of(user: AbstractBaseUser) -> Limits:
    """Return a user's limits: videos at engines at once, and cancellations within 24 hours."""
    return {
        "jobs_at_once": {
            "limit": settings.JOBS_PER_USER or None,
            "used": queue.at_engines([user.pk]).get(user.pk, 0),
        },
        "cancellations_per_day": {
            "limit": settings.CANCELLATIONS_PER_DAY or None,
            "used": cancellation.count_recent(user),
        },
    }
