"""What staff may do to a video by hand; each through the life of videos, and never twice.

fetch   a video that renders is looked at now
fail    a video that has not ended ends, with its credits back
retry   a video that ended without a file is ordered again, on its owner's credits
"""

from dataclasses import dataclass
from typing import NamedTuple

from django.contrib.humanize.templatetags.humanize import naturaltime
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing.ledger import credits as ledger_credits
from config.lib import idempotency
from config.lib.idempotency import RequestKey
from videos import catalog
from videos.jobs import moderation, orders, state_machine
from videos.models import Price, Video

Status = Video.Status


class NotPossible(Exception):
    """The video is not in a state that allows this; nothing was changed."""


@dataclass(frozen=True)
class Deed:
    name: str
    title: Promise


class Change(NamedTuple):
    """What a deed makes of one thing."""

    what: str
    before: str
    after: str


DEEDS = {
    deed.name: deed
    for deed in (
        Deed("fetch", gettext_lazy("Fetch now")),
        Deed("fail", gettext_lazy("Fail and refund")),
        Deed("retry", gettext_lazy("Order again")),
    )
}


def possible(video: Video) -> list[Deed]:
    """What may be done to it as it stands."""
    return [deed for name, deed in DEEDS.items() if _may(video, name)]


def says(video: Video, name: str) -> list[str]:
    """What will happen, before it does."""
    credits = ngettext("%(n)d credit", "%(n)d credits", video.credits) % {"n": video.credits}
    about = {"user": video.user.get_username(), "credits": credits}
    words = {
        "fetch": _("A worker asks the engine for this video at once."),
        "fail": _("The video ends here, and %(credits)s go back to %(user)s."),
        "retry": _("The same video is ordered again for %(user)s, and paid from their credits."),
    }
    return [words[name] % about]


def outlook(video: Video, name: str) -> list[Change]:
    """What it changes, before it does; nothing where it is not possible."""
    if not _may(video, name):
        return []
    state = video.get_status_display()
    if name == "fetch":
        due = naturaltime(video.next_step_at) if video.next_step_at else _("not planned")
        return [Change(_("Next look at the engine"), str(due), _("now"))]
    credits = {"user": video.user.get_username()}
    balance = _("Credits of %(user)s") % credits
    now = ledger_credits.available(video.user)
    if name == "fail":
        back = video.credits - min(ledger_credits.summary(video.user).owed, video.credits)
        return [
            Change(_("State"), state, str(Status.FAILED.label)),
            Change(balance, str(now), str(now + back)),
        ]
    return [
        Change(_("New video"), "–", str(Status.QUEUED.label)),
        Change(balance, str(now), str(now - _price(video))),
    ]


def do(video: Video, name: str, reason: str, request_key: RequestKey | None) -> tuple[str, bool]:
    """Do it; what became of it, and whether it was new. Raises NotPossible."""
    if name == "retry":
        return _retry(video, request_key)
    if not _may(video, name):
        raise NotPossible(_("The video has moved on; nothing was changed."))
    if name == "fetch":
        state_machine.wake(video)
        return _("The engine is asked now."), True
    code = "stopped_by_staff"
    if not state_machine.end(video, Status.FAILED, code=code, detail=reason, fenced=False):
        raise NotPossible(_("The video has moved on; nothing was changed."))
    return _("The video has ended, and its credits are back."), True


def _retry(video: Video, request_key: RequestKey | None) -> tuple[str, bool]:
    def order() -> Video:
        if not _may(video, "retry"):
            raise NotPossible(_("The video has moved on; nothing was changed."))
        return orders.retry(video, request_key)

    try:
        outcome = idempotency.run(request_key, order)
    except (
        state_machine.NotPossible,
        catalog.NotOffered,
        ledger_credits.NotEnoughCredits,
        moderation.Stopped,
    ) as error:
        raise NotPossible(str(error)) from error
    if outcome.is_replay:
        return _("The video was ordered again before; nothing was ordered twice."), False
    return _("The video is ordered again."), True


def _price(video: Video) -> int:
    image = video.operation == Video.Operation.IMAGE
    kind = Price.Kind.IMAGE if image else Price.Kind.TEXT
    return catalog.price(kind, video.model, video.seconds)


def _may(video: Video, name: str) -> bool:
    if name == "fetch":
        return video.status in {Status.RUNNING, Status.SUBMIT_UNKNOWN}
    if name == "fail":
        return video.is_active
    return video.is_lost and video.deleted_at is None and video.user.is_active
