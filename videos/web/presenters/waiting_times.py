"""How long rendering usually takes, in seconds and in words, and how many orders wait before it."""

from statistics import median

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from videos.models import Video

# Seconds assumed until a video has finished.
SANDBOX_SECONDS, ENGINE_SECONDS = 20, 180
# Up to FEW_ORDERS waiting orders are not mentioned, and more than MANY_ORDERS are not counted.
FEW_ORDERS, MANY_ORDERS = 3, 100


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
        if not settings.SANDBOX:
            return ENGINE_SECONDS
        # At speed 0 the sandbox takes no time but that of drawing.
        return SANDBOX_SECONDS / settings.SANDBOX_SPEED if settings.SANDBOX_SPEED > 0 else 0


def typical_seconds() -> TypicalSeconds:
    """Return the median seconds of rendering by model, over the last 50 finished videos.

    The time in the queue is not in it: one user's many orders make others wait, not render longer.
    """
    done = Video.objects.filter(status=Video.Status.SUCCEEDED, started_at__isnull=False)
    rows = done.order_by("-created_at").values_list("model", "started_at", "completed_at")[:50]
    taken: dict[str, list[float]] = {}
    for model, started_at, completed_at in rows:
        if started_at and completed_at:
            taken.setdefault(model, []).append((completed_at - started_at).total_seconds())
    return TypicalSeconds({model: median(times) for model, times in taken.items()})


def orders_before() -> str:
    """Return in words how many orders of all users wait; "" when they are few."""
    waiting_orders = Video.objects.active().filter(status=Video.Status.QUEUED, paused_at=None)
    queue = waiting_orders.order_by()
    waiting = queue[: MANY_ORDERS + 1].count()
    if waiting <= FEW_ORDERS:
        return ""
    if waiting > MANY_ORDERS:
        return _("more than %(n)d orders wait") % {"n": MANY_ORDERS}
    return ngettext("%(n)d order waits", "%(n)d orders wait", waiting) % {"n": waiting}
