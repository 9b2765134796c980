"""Template tags for staff pages of apps that may not import videos."""

from django import template

from accounts.models import User
from videos.library import counts
from videos.models import LibraryCounts, Video

register = template.Library()
MOST_SHOWN = 8


@register.simple_tag
def video_counts_of(user: User) -> LibraryCounts:
    """Return how many videos a user keeps in the library, by what became of them."""
    return counts.counts_of(user)


@register.simple_tag
def newest_videos_of(user: User) -> list[Video]:
    """Return the newest videos of a user, also deleted ones."""
    return list(Video.objects.filter(user=user).newest()[:MOST_SHOWN])
