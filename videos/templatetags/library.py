"""Which videos there still are, for pages of apps that know no videos."""

from collections.abc import Iterable

from django import template

from billing.reports.statement import Line
from videos.models import Video

register = template.Library()


@register.simple_tag
def videos_there(lines: Iterable[Line]) -> set[str]:
    """The ids of those videos the lines are about that were not deleted."""
    wanted = {line.video for line in lines if line.video}
    found = Video.objects.filter(pk__in=wanted, deleted_at=None).values_list("pk", flat=True)
    return {str(pk) for pk in found} if wanted else set()
