"""Failures in plain words: what happened, and whose fault it was; never the upstream's own text."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from videos.models import Video

SENTENCES: dict[str, Promise] = {
    "moderation_blocked": _("The content check stopped this prompt."),
    "invalid_request": _("The engine could not work with this order."),
    "timeout": _("The engine took too long."),
    "submit_lost": _("The engine did not take the order."),
    "upstream_lost_job": _("The engine lost this video."),
    "result_unavailable": _("The finished file could not be fetched."),
    "upstream_out_of_credit": _("The engine is not available at the moment."),
    "upstream_auth": _("The engine is not available at the moment."),
}
STOPPED = _("The engine stopped. Nothing was wrong with your prompt.")
CANCELLED = _("You cancelled this.")


def sentence(video: Video) -> str:
    """Why a video ended without a file; "" for any other."""
    if video.status == Video.Status.CANCELLED:
        return str(CANCELLED)
    if not video.is_lost:
        return ""
    return str(SENTENCES.get(video.failure_code, STOPPED))
