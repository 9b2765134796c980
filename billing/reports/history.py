"""The presenter of the history: ledger entries with titles, badges and links."""

from dataclasses import dataclass
from datetime import datetime

from django.contrib.humanize.templatetags.humanize import intcomma
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.models import Entry
from billing.referrals import rewards

Type = Entry.Type

# The types a user can filter by, and their labels; entries of other types appear under "All".
FILTERS = {
    Type.SPENT: gettext_lazy("Spent"),
    Type.REFUNDED: gettext_lazy("Returned"),
    Type.PURCHASED: gettext_lazy("Bought"),
    Type.BONUS: gettext_lazy("Bonus"),
    Type.EARNED: gettext_lazy("Earned"),
    Type.EXPIRED: gettext_lazy("Expired"),
}

# The label of a badge, and what its CSS class says about it.
BADGES: dict[str, tuple[Promise, str]] = {
    Type.REFUNDED: (gettext_lazy("Returned"), "good"),
    Type.PURCHASED: (gettext_lazy("Bought"), "running"),
    Type.BONUS: (gettext_lazy("Bonus"), "running"),
    Type.EARNED: (gettext_lazy("Earned"), "running"),
    Type.ADJUSTED: (gettext_lazy("Adjusted"), "running"),
    Type.EXPIRED: (gettext_lazy("Expired"), ""),
}
# What entries of a reference type are about, where that is always the same.
TITLES: dict[str, Promise] = {
    "signup": gettext_lazy("Welcome credits"),
    rewards.REFERENCE: gettext_lazy("Invitation: the first purchase"),
}
CLAWED_BACK_BADGE = (gettext_lazy("Clawed back"), "warn")
RESTORED_BADGE = (gettext_lazy("Restored"), "good")

# A description has the first 57 characters of a prompt, without spaces and dots at their end.
CUT_PROMPT = 54


@dataclass(frozen=True)
class HistoryLine:
    """A ledger entry as the history shows it."""

    entry: Entry

    @property
    def title(self) -> str:
        """What happened, or the prompt or package that the entry is about."""
        entry = self.entry
        if entry.type == Type.EXPIRED:
            return _("Expired unused")
        if entry.type == Type.CLAWED_BACK:
            return self._clawback_title()
        if entry.reference_type in TITLES:
            return str(TITLES[entry.reference_type])
        if entry.reference_type == Entry.VIDEO_REFERENCE:
            return _prompt_of(entry.description) or entry.description
        if entry.reference_type == Entry.PAYMENT_REFERENCE and entry.description:
            return _(entry.description)  # the name of a package
        return entry.description or entry.get_type_display()

    def _clawback_title(self) -> str:
        if self.entry.reference_type == "debt":
            return _("Used for credits you owed")
        if self.entry.amount > 0:
            return _("Restored: the payment refund failed")
        return _("Removed: the payment was refunded")

    @property
    def video(self) -> str:
        """The id of the video that the entry is about, which may be deleted; "" if none."""
        return self.entry.reference_id if self.entry.reference_type == Entry.VIDEO_REFERENCE else ""

    @property
    def url(self) -> str:
        """The page of the video or payment that the entry is about; "" if none."""
        pages = {Entry.VIDEO_REFERENCE: "video", Entry.PAYMENT_REFERENCE: "payment"}
        name = pages.get(self.entry.reference_type)
        return reverse(name, args=[self.entry.reference_id]) if name else ""

    @property
    def badge(self) -> tuple[Promise, str] | None:
        if self.entry.type == Type.CLAWED_BACK:
            return RESTORED_BADGE if self.entry.amount > 0 else CLAWED_BACK_BADGE
        return BADGES.get(self.entry.type)

    @property
    def amount(self) -> str:
        """The amount with its sign; the minus is as wide as the plus."""
        return f"{'+' if self.entry.amount > 0 else '−'}{intcomma(abs(self.entry.amount))}"

    @property
    def expires_at(self) -> datetime | None:
        """When the credits that the entry added expire; None if it took credits."""
        return self.entry.expires_at if self.entry.amount > 0 else None


def _prompt_of(description: str) -> str:
    """Return the prompt in the description of a video, with dots where it may have been cut."""
    _kind, _colon, prompt = description.removeprefix("Returned: ").partition(": ")
    whole = prompt.removesuffix("...")
    return whole if len(whole) < CUT_PROMPT else f"{whole}…"
