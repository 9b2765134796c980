"""What happened to a video, in sentences: its steps and the moves of its credits."""

from datetime import datetime
from operator import itemgetter

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.ledger import credits
from videos import failures
from videos.jobs.money import charges
from videos.models import Video

Status = Video.Status


def history_of(video: Video) -> list[tuple[datetime, str]]:
    """Return (time, sentence) pairs, oldest first."""
    spent = credits.find_entry(charges.spend_key(video))
    back = credits.find_entry(charges.refund_key(video))
    lines = [
        (event.at, _describe_step(video, Status(event.status))) for event in video.events.all()
    ]
    if spent:
        charged = ngettext("%(n)d credit charged", "%(n)d credits charged", -spent.amount)
        # An order begins with its charge; the one event of an edit is its end.
        begun = 0 if video.operation == Video.Operation.EDIT else 1
        lines[:begun] = [(spent.created_at, charged % {"n": -spent.amount})]
    if back:
        returned = ngettext("%(n)d credit returned", "%(n)d credits returned", back.amount)
        lines.append((back.created_at, returned % {"n": back.amount}))
    return sorted(lines, key=itemgetter(0))  # a stable sort: a refund follows its failure


def _describe_step(video: Video, status: Status) -> str:
    words = {
        Status.QUEUED: _("Waiting in the queue again"),
        Status.SUBMITTING: _("Sent to the engine"),
        Status.SUBMIT_UNKNOWN: _(
            "The engine’s answer was lost. Looking for the video at the engine"
        ),
        Status.RUNNING: _("Rendering started"),
        Status.DOWNLOADING: _("Rendered"),
        Status.SUCCEEDED: _("Finished. The file stays at the engine")
        if video.file_stays_at_engine
        else _("Saved to your library"),
    }
    if video.rescued_at and status in Video.RESCUABLE:
        return failures.cause_of_code(video.failure_code)
    return words.get(status) or failures.sentence(video)
