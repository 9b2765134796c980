"""How long a video usually takes, in seconds and in words."""

from statistics import median

from django.conf import settings
from django.utils.translation import gettext as _

from videos.models import Video

# Seconds assumed until a video has finished.
SANDBOX_SECONDS, ENGINE_SECONDS = 20, 180


def approximate(seconds: float) -> str:
    """Return a waiting time in words, rounded to 5 seconds or to minutes."""
    if seconds < 55:
        return _("about %(n)d s") % {"n": max(5, round(seconds / 5) * 5)}
    return _("about %(n)d min") % {"n": max(1, round(seconds / 60))}


class TypicalSeconds(dict[str, float]):
    """Typical seconds by model; a model without finished videos counts as the slowest other."""

    def __missing__(self, model: str) -> float:
        if self:
            return max(self.values())
        return SANDBOX_SECONDS / settings.SANDBOX_SPEED if settings.SANDBOX else ENGINE_SECONDS


def typical_seconds() -> TypicalSeconds:
    """Return the median seconds from order to file by model, over the last 50 finished videos."""
    done = Video.objects.filter(status=Video.Status.SUCCEEDED, completed_at__isnull=False)
    rows = done.order_by("-created_at").values_list("model", "created_at", "completed_at")[:50]
    taken: dict[str, list[float]] = {}
    for model, created_at, completed_at in rows:
        if completed_at:
            taken.setdefault(model, []).append((completed_at - created_at).total_seconds())
    return TypicalSeconds({model: median(times) for model, times in taken.items()})
