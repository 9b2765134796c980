"""What people write to us, reports of abuse and feedback; and what staff decide about a report."""

import re
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from config.lib import rate_limits
from config.lib.rate_limits import Rate
from showcase import gallery
from showcase.models import Clip, Feedback, Letter, Report
from videos.library import share_links
from videos.models import Video


def take(request: HttpRequest, kind: type[Report] | type[Feedback], **said: str) -> Letter:
    """Keep a letter, with who wrote it where that is known. Raises TooManyAttempts."""
    rate_limits.check(f"letters:{rate_limits.network_of(request)}", Rate(*settings.RATE_FORMS))
    user = request.user if request.user.is_authenticated else None
    letter: Letter = kind.objects.create(user=user, **said)
    return letter


def open_letters() -> dict[str, int]:
    """How many letters of each kind wait for staff."""
    return {
        kind.__name__.lower(): kind.objects.filter(state=Letter.State.OPEN).count()
        for kind in (Report, Feedback)
    }


def close(kept: QuerySet[Letter]) -> list[Letter]:
    """Close letters without a decision; those that were open."""
    rows = list(kept.filter(state=Letter.State.OPEN))
    kept.filter(pk__in=[letter.pk for letter in rows]).update(state=Letter.State.CLOSED)
    return rows


# ---- what a report leads to ----

CLIP = re.compile(r"(?:/showcase/(?:videos/)?|^)(\d{1,18})(?![\w-])")
SHARED = re.compile(r"/s/([^/?#]+)")
VIDEO = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


def reported(report: Report) -> Video | None:
    """The video whose address or id a report gives; None when it leads to none of ours."""
    if found := CLIP.search(report.subject):
        return Video.objects.filter(clip=int(found[1])).first()
    if found := SHARED.search(report.subject):
        try:
            return share_links.link_for_token(found[1]).video
        except share_links.LinkNotFound:
            pass  # it may name the video besides
    if found := VIDEO.search(report.subject):
        return Video.objects.filter(pk=UUID(found[0])).first()
    return None


def is_public(video: Video) -> bool:
    """Whether anybody but its owner can see it."""
    return Clip.objects.public().filter(video=video).exists() or bool(
        share_links.active_link(video)
    )


def hide(report: Report, note: str) -> bool:
    """Take what was reported from the public and close the report; False when it was decided.

    The showcase shows it no more and its link ends; its owner keeps it.
    """
    video = reported(report)
    with transaction.atomic():
        if video is None or not _decide(report, Report.Decision.HIDDEN, note):
            return False
        gallery.withdraw(video)  # nobody publishes it again unless its owner offers it again
        share_links.revoke_link(video)
    return True


def keep(report: Report, note: str) -> bool:
    """Close a report without touching anything; False when it was decided."""
    video = reported(report)
    return _decide(report, Report.Decision.KEPT if video else Report.Decision.UNCLEAR, note)


def _decide(report: Report, decision: Report.Decision, note: str) -> bool:
    rows = Report.objects.filter(pk=report.pk, state=Letter.State.OPEN)
    return bool(rows.update(state=Letter.State.CLOSED, decision=decision, staff_note=note))
