"""Template tags for staff pages of apps that may not import videos."""

from dataclasses import dataclass

from django import template

from accounts.models import User
from videos.library import counts
from videos.models import Video

register = template.Library()
MOST_SHOWN = 8


@dataclass(frozen=True)
class VideosOfUser:
    """What a user keeps in the library, and the newest of all videos, also deleted ones."""

    total: int
    ready: int
    failed: int
    newest: list[Video]


@register.simple_tag
def videos_of_user(user: User) -> VideosOfUser:
    """Return how many videos a user has, and the newest."""
    kept = counts.counts_of(user)
    newest = Video.objects.filter(user=user).newest()
    return VideosOfUser(kept.total, kept.ready, kept.attention, list(newest[:MOST_SHOWN]))
