"""Template tags about the library, for pages of apps that may not import videos."""

from collections.abc import Iterable

from django import template

from billing.reports.history import HistoryLine
from videos.models import Video

register = template.Library()


@register.simple_tag
def kept_video_ids(lines: Iterable[HistoryLine]) -> set[str]:
    """Return the ids of the videos in these ledger lines that were not deleted."""
    wanted = {line.video for line in lines if line.video}
    found = Video.objects.filter(pk__in=wanted, deleted_at=None).values_list("pk", flat=True)
    return {str(pk) for pk in found} if wanted else set()
