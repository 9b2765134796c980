"""What staff may do to a video by hand; each through the life of videos, and never twice.

fetch   a video that renders is looked at now
fail    a video that has not ended ends, with its credits back
retry   a video that ended without a file is ordered again, on its owner's credits
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from billing import ledger
from videos import catalog, lifecycle, moderation
from videos.models import Video

Status = Video.Status


class NotPossible(Exception):
    """The video is not in a state that allows this; nothing was changed."""


@dataclass(frozen=True)
class Deed:
    name: str
    title: Promise


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


def do(video: Video, name: str, reason: str) -> str:
    """Do it; what became of it. Raises NotPossible."""
    if not _may(video, name):
        raise NotPossible(_("The video has moved on; nothing was changed."))
    if name == "fetch":
        lifecycle.ring(video)
        return _("The engine is asked now.")
    if name == "fail":
        code = "stopped_by_staff"
        if not lifecycle.end(video, Status.FAILED, code=code, detail=reason, fenced=False):
            raise NotPossible(_("The video has moved on; nothing was changed."))
        return _("The video has ended, and its credits are back.")
    try:
        lifecycle.retry(video)
    except (
        lifecycle.NotPossible,
        catalog.NotOffered,
        ledger.NotEnoughCredits,
        moderation.Stopped,
    ) as error:
        raise NotPossible(str(error)) from error
    return _("The video is ordered again.")


def _may(video: Video, name: str) -> bool:
    if name == "fetch":
        return video.status in {Status.RUNNING, Status.SUBMIT_UNKNOWN}
    if name == "fail":
        return video.is_active
    return video.is_lost and video.deleted_at is None and video.user.is_active
