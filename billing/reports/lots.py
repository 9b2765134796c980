"""The open lots of a user as the billing page shows them: a bar and a list under it."""

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

BAR = 1000
GAP = 6
THINNEST = 8
MAX_GROUPS = 6


@dataclass
class LotGroup:
    """Credits of one kind that expire on one day: a part of the bar and a row of the list."""

    kind: str
    day: date | None
    expires_at: datetime | None
    credits: int = 0
    more: bool = False
    tone: str = ""
    x: int = 0
    width: int = 0

    @property
    def soon(self) -> bool:
        return (
            self.expires_at is not None
            and self.expires_at - timezone.now() < settings.EXPIRY_WARNING
        )

    @property
    def words(self) -> str:
        n = intcomma(self.credits)
        if self.more:
            return _("%(n)s more, expiring later") % {"n": n}
        return str(KINDS[self.kind]) % {"n": n}

    @property
    def warning(self) -> str:
        """How soon it expires, when that is within EXPIRY_WARNING_DAYS."""
        if not self.soon or self.day is None:
            return ""
        days = (self.day - timezone.localdate()).days
        if days < 1:
            return _("expires today")
        return ngettext("expires tomorrow", "expires in %(n)d days", days) % {"n": days}


GRACE = "grace"
KINDS: dict[str, Promise] = {
    Lot.Kind.PURCHASED: gettext_lazy("%(n)s bought"),
    Lot.Kind.BONUS: gettext_lazy("%(n)s bonus"),
    Lot.Kind.EARNED: gettext_lazy("%(n)s earned"),
    Lot.Kind.ADJUSTED: gettext_lazy("%(n)s from support"),
    GRACE: gettext_lazy("%(n)s returned after they had expired"),
}


def group_lots(lots: Iterable[Lot]) -> list[LotGroup]:
    """Group lots by kind and day of expiry, in spending order, and place them on the bar."""
    parts: list[LotGroup] = []
    for lot in lots:
        kind = GRACE if lot.parent_id else lot.kind
        day = timezone.localdate(lot.expires_at) if lot.expires_at else None
        last = parts[-1] if parts else None
        if last and (last.more or (last.kind, last.day) == (kind, day)):
            last.credits += lot.remaining
        elif last and len(parts) == MAX_GROUPS:
            last.more = True
            last.credits += lot.remaining
        else:
            parts.append(LotGroup(kind, day, lot.expires_at, lot.remaining))
    _place_on_bar(parts)
    return parts


def _place_on_bar(parts: list[LotGroup]) -> None:
    total = sum(part.credits for part in parts)
    room = BAR - (GAP + THINNEST) * len(parts) + GAP
    x = 0
    for n, part in enumerate(parts):
        last = n == len(parts) - 1
        part.x = x
        part.width = BAR - x if last else THINNEST + room * part.credits // total
        part.tone = "lot-expiring" if part.soon else ("lot-even", "lot-odd")[n % 2]
        x += part.width + GAP
