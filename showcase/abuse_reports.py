"""Abuse reports: find the reported video, and carry out what staff decide."""

import re
from uuid import UUID

from django.db import transaction

from showcase import gallery
from showcase.models import AbuseReport, Clip, VisitorMessage
from videos.library import collection_links, share_links
from videos.library.public_links import LinkNotFound
from videos.models import Video

CLIP = re.compile(r"(?:/showcase/(?:videos/)?|^)(\d{1,18})(?![\w-])")
SHARED = re.compile(r"/s/([^/?#]+)")
# The token of a collection's link holds an id too, which is not that of a video.
IN_COLLECTION = re.compile(r"/c/[^/?#]+/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
VIDEO = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


def reported_video(report: AbuseReport) -> Video | None:
    """Return the video whose URL or id the report gives; None when it is not one of ours."""
    if found := CLIP.search(report.subject):
        return Video.objects.filter(clip=int(found[1])).first()
    if found := SHARED.search(report.subject):
        try:
            return share_links.link_for_token(found[1]).video
        except LinkNotFound:
            pass  # the text may also contain the id of the video
    found = IN_COLLECTION.search(report.subject) or VIDEO.search(report.subject)
    if found:
        return Video.objects.filter(pk=UUID(found[found.lastindex or 0])).first()
    return None


def is_public(video: Video) -> bool:
    """Return whether a clip, a share link or that of a collection lets others see the video."""
    return (
        Clip.objects.public().filter(video=video).exists()
        or share_links.active_link(video) is not None
        or collection_links.is_shown(video)
    )


def hide(report: AbuseReport, note: str) -> bool:
    """Hide the reported video and close the report; return False when it was closed before.

    The clip is withdrawn, and its share link and the links of its collections are revoked; the
    owner keeps the video.
    """
    video = reported_video(report)
    with transaction.atomic():
        if video is None or not _decide(report, AbuseReport.Decision.HIDDEN, note):
            return False
        gallery.withdraw(video)  # staff cannot publish it again unless its owner offers it again
        share_links.revoke_link(video)
        collection_links.revoke_links_to(video)
    return True


def keep(report: AbuseReport, note: str) -> bool:
    """Close a report and leave the video as it is; return False when it was closed before."""
    video = reported_video(report)
    return _decide(
        report, AbuseReport.Decision.KEPT if video else AbuseReport.Decision.UNCLEAR, note
    )


def _decide(report: AbuseReport, decision: AbuseReport.Decision, note: str) -> bool:
    rows = AbuseReport.objects.filter(pk=report.pk, state=VisitorMessage.State.OPEN)
    return bool(rows.update(state=VisitorMessage.State.CLOSED, decision=decision, staff_note=note))
