"""The presenter of a user's open lots: the bar on the billing page, and the list under it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.models import Lot

# In units of the drawing.
BAR_WIDTH = 1000
GAP = 6
MIN_PART_WIDTH = 8
MAX_GROUPS = 6


@dataclass
class LotGroup:
    """Credits of one kind that expire on one day: a part of the bar and a row of the list.

    The last group holds the rest, whatever its kind and day, if `is_rest`.
    """

    kind: str
    day: date | None
    expires_at: datetime | None
    credits: int = 0
    is_rest: bool = False
    css_class: str = ""
    x: int = 0
    width: int = 0

    @property
    def expires_soon(self) -> bool:
        """Whether it expires within EXPIRY_WARNING."""
        return (
            self.expires_at is not None
            and self.expires_at - timezone.now() < settings.EXPIRY_WARNING
        )

    @property
    def label(self) -> str:
        """How many credits of which kind they are."""
        n = intcomma(self.credits)
        if self.is_rest:
            return _("%(n)s more, expiring later") % {"n": n}
        return str(KIND_LABELS[self.kind]) % {"n": n}

    @property
    def warning(self) -> str:
        """When it expires, if that is soon; else ""."""
        if not self.expires_soon or self.day is None:
            return ""
        days = (self.day - timezone.localdate()).days
        if days < 1:
            return _("expires today")
        return ngettext("expires tomorrow", "expires in %(n)d days", days) % {"n": days}


GRACE = "grace"
KIND_LABELS: dict[str, Promise] = {
    Lot.Kind.PURCHASED: gettext_lazy("%(n)s bought"),
    Lot.Kind.BONUS: gettext_lazy("%(n)s bonus"),
    Lot.Kind.EARNED: gettext_lazy("%(n)s earned"),
    Lot.Kind.ADJUSTED: gettext_lazy("%(n)s from support"),
    GRACE: gettext_lazy("%(n)s returned after they had expired"),
}


def group_lots(lots: Iterable[Lot]) -> list[LotGroup]:
    """Group lots by kind and day of expiry, in spending order, and place them on the bar."""
    groups: list[LotGroup] = []
    for lot in lots:
        kind = GRACE if lot.is_grace else lot.kind
        day = timezone.localdate(lot.expires_at) if lot.expires_at else None
        last = groups[-1] if groups else None
        if last and (last.is_rest or (last.kind, last.day) == (kind, day)):
            last.credits += lot.remaining
        elif last and len(groups) == MAX_GROUPS:
            last.is_rest = True
            last.credits += lot.remaining
        else:
            groups.append(LotGroup(kind, day, lot.expires_at, lot.remaining))
    _place_on_bar(groups)
    return groups


def _place_on_bar(groups: list[LotGroup]) -> None:
    """Give each group its minimum width and a share of the rest in proportion to its credits."""
    total = sum(group.credits for group in groups)
    room = BAR_WIDTH - (GAP + MIN_PART_WIDTH) * len(groups) + GAP
    x = 0
    for n, group in enumerate(groups):
        is_last = n == len(groups) - 1
        group.x = x
        group.width = BAR_WIDTH - x if is_last else MIN_PART_WIDTH + room * group.credits // total
        group.css_class = "lot-expiring" if group.expires_soon else ("lot-even", "lot-odd")[n % 2]
        x += group.width + GAP
