"""Entries of the ledger as the history on the billing page shows them."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.models import Entry

Type = Entry.Type

# The types a user can filter by, and their labels; the others are found under "Everything".
FILTERS = {
    Type.SPENT: gettext_lazy("Spent"),
    Type.REFUNDED: gettext_lazy("Returned"),
    Type.PURCHASED: gettext_lazy("Bought"),
    Type.BONUS: gettext_lazy("Bonus"),
    Type.EXPIRED: gettext_lazy("Expired"),
}

BADGES: dict[str, tuple[Promise, str]] = {
    Type.REFUNDED: (gettext_lazy("Returned"), "good"),
    Type.PURCHASED: (gettext_lazy("Bought"), "running"),
    Type.BONUS: (gettext_lazy("Bonus"), "running"),
    Type.EARNED: (gettext_lazy("Earned"), "running"),
    Type.ADJUSTED: (gettext_lazy("Adjusted"), "running"),
    Type.EXPIRED: (gettext_lazy("Expired"), ""),
}
TAKEN_BACK = (gettext_lazy("Clawed back"), "warn")
RETURNED = (gettext_lazy("Restored"), "good")


@dataclass(frozen=True)
class HistoryLine:
    """A ledger entry as the history shows it."""

    entry: Entry

    @property
    def title(self) -> str:
        entry = self.entry
        if entry.type == Type.EXPIRED:
            return _("Expired unused")
        if entry.type == Type.CLAWED_BACK:
            return self._reversed()
        if entry.reference_type == "signup":
            return _("Welcome credits")
        if entry.reference_type == Entry.VIDEO_REFERENCE:
            _kind, _colon, prompt = entry.description.removeprefix("Returned: ").partition(": ")
            return prompt or entry.description
        if entry.reference_type == Entry.PAYMENT_REFERENCE and entry.description:
            return _(entry.description)  # a package's name
        return entry.description or entry.get_type_display()

    def _reversed(self) -> str:
        if self.entry.reference_type == "debt":
            return _("Used for credits you owed")
        if self.entry.amount > 0:
            return _("Restored: the payment refund failed")
        return _("Removed: the payment was refunded")

    @property
    def video(self) -> str:
        """The id of the video the line is about, which may be deleted by now."""
        return self.entry.reference_id if self.entry.reference_type == Entry.VIDEO_REFERENCE else ""

    @property
    def url(self) -> str:
        """The page of the video or the payment the line is about."""
        pages = {Entry.VIDEO_REFERENCE: "video", Entry.PAYMENT_REFERENCE: "payment"}
        name = pages.get(self.entry.reference_type)
        return reverse(name, args=[self.entry.reference_id]) if name else ""

    @property
    def badge(self) -> tuple[Promise, str] | None:
        if self.entry.type == Type.CLAWED_BACK:
            return RETURNED if self.entry.amount > 0 else TAKEN_BACK
        return BADGES.get(self.entry.type)

    @property
    def amount(self) -> str:
        """The amount with its sign; the minus is as wide as the plus."""
        return f"{'+' if self.entry.amount > 0 else '−'}{intcomma(abs(self.entry.amount))}"

    @property
    def expires_at(self) -> datetime | None:
        """When the credits that the entry added expire; None if it took credits."""
        return self.entry.expires_at if self.entry.amount > 0 else None
