"""Actions of staff on a video.

fetch        poll the engine of a rendering video now
fail         end an active video and refund its credits
fetch_again  fetch the file of a finished job whose video failed; its credits stay refunded
retry        order a video that ended without a file again, on its owner's credits
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
from videos.catalog import offers, prices
from videos.jobs import moderation, orders, rescue, state_machine
from videos.models import Video

Status = Video.Status


class NotPossible(Exception):
    """The video is not in a state that allows this; nothing was changed."""


@dataclass(frozen=True)
class AdminAction:
    name: str
    title: Promise


class Change(NamedTuple):
    """One value that an action changes."""

    what: str
    before: str
    after: str


ADMIN_ACTIONS = {
    action.name: action
    for action in (
        AdminAction("fetch", gettext_lazy("Poll now")),
        AdminAction("fail", gettext_lazy("Fail and refund")),
        AdminAction("fetch_again", gettext_lazy("Fetch again")),
        AdminAction("retry", gettext_lazy("Order again")),
    )
}


def available(video: Video) -> list[AdminAction]:
    """The actions that are possible in the video's present state."""
    return [action for name, action in ADMIN_ACTIONS.items() if _is_available(video, name)]


def describe(video: Video, name: str) -> list[str]:
    """Sentences that say what an action will do."""
    credits = ngettext("%(n)d credit", "%(n)d credits", video.credits) % {"n": video.credits}
    about = {"user": video.user.get_username(), "credits": credits}
    words = {
        "fetch": _("A worker polls the engine for this video now."),
        "fail": _("The video fails, and %(credits)s are refunded to %(user)s.")
        if video.credits
        else _("The video fails. It cost %(user)s nothing."),
        "fetch_again": _(
            "A worker fetches the finished file from the engine. Then the video succeeds, and"
            " %(user)s keeps the %(credits)s that were refunded."
        ),
        "retry": _("The same video is ordered again and charged to %(user)s."),
    }
    return [words[name] % about]


def preview(video: Video, name: str) -> list[Change]:
    """The values an action will change; none when it is not possible."""
    if not _is_available(video, name):
        return []
    state = video.get_status_display()
    if name == "fetch":
        due = naturaltime(video.next_step_at) if video.next_step_at else _("not planned")
        return [Change(_("Next poll"), str(due), _("now"))]
    if name == "fetch_again":
        return [Change(_("State"), state, str(Status.SUCCEEDED.label))]
    credits = {"user": video.user.get_username()}
    balance = _("Credits of %(user)s") % credits
    now, price = ledger_credits.available(video.user), _price(video)
    if name == "fail":
        back = video.credits - min(ledger_credits.summary(video.user).owed, video.credits)
        first = Change(_("State"), state, str(Status.FAILED.label))
        second = Change(balance, str(now), str(now + back))
    else:
        left = _("not offered any more") if price is None else str(now - price)
        first = Change(_("New video"), "–", str(Status.QUEUED.label))
        second = Change(balance, str(now), left)
    return [first, second] if second.before != second.after else [first]


def perform(
    video: Video, name: str, reason: str, request_key: RequestKey | None
) -> tuple[str, bool]:
    """Perform an action; return what happened and whether it is new. Raises NotPossible."""
    if name == "retry":
        return _retry(video, request_key)
    if not _is_available(video, name):
        raise NotPossible(_("The state of the video changed meanwhile. Reload the page."))
    if name == "fetch":
        state_machine.wake(video)
        return _("The engine is polled now."), True
    if name == "fetch_again":
        _request_rescue(video)
        return _("The file is fetched now. Reload the page to see the result."), True
    code = "stopped_by_staff"
    if not state_machine.end(video, Status.FAILED, code=code, detail=reason, fenced=False):
        raise NotPossible(_("The state of the video changed meanwhile. Reload the page."))
    return _("The video failed, and its credits were refunded."), True


def _request_rescue(video: Video) -> None:
    try:
        rescue.request(video)
    except state_machine.NotPossible as error:
        raise NotPossible(str(error)) from error


def _retry(video: Video, request_key: RequestKey | None) -> tuple[str, bool]:
    def order() -> Video:
        if not _is_available(video, "retry"):
            raise NotPossible(_("The state of the video changed meanwhile. Reload the page."))
        return orders.retry(video, request_key)

    try:
        outcome = idempotency.run(request_key, order)
    except (
        state_machine.NotPossible,
        offers.NotOffered,
        ledger_credits.NotEnoughCredits,
        moderation.NotAllowed,
    ) as error:
        raise NotPossible(str(error)) from error
    if outcome.is_replay:
        return _("This video was already ordered again. Nothing was ordered twice."), False
    return _("The video was ordered again."), True


def _price(video: Video) -> int | None:
    """Credits for the same video once more; None when its model or size is gone."""
    kind = prices.kind_of(video.operation)
    word = offers.word_again(video.model, video.requested_model)
    return prices.current().credits(kind, word, video.size, video.seconds, video.audio)


def _is_available(video: Video, name: str) -> bool:
    if name == "fetch":
        return video.status in {Status.RUNNING, Status.SUBMIT_UNKNOWN}
    if name == "fail":
        return video.is_active
    if name == "fetch_again":
        return rescue.is_possible(video)
    return video.is_lost and video.deleted_at is None and video.user.is_active
