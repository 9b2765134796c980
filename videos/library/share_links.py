"""Share links: anyone with the link can watch one video, until it expires or is revoked."""

from datetime import timedelta
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from videos.models import ShareLink, Video

LIFETIME_DAYS = (7, 30)
TITLE_CHARACTERS = 70
_signer = signing.Signer(salt="videos.share", sep=".")


class NotFinished(Exception):
    """The video has no file yet; no link was created."""


class LinkNotFound(Exception):
    """The link is unknown, revoked or expired, or its video or account was deleted."""


def create_link(video: Video, *, days: int = 0, with_prompt: bool = False) -> ShareLink:
    """Create a link to a finished video and revoke the one before it. Raises NotFinished.

    The link works for `days` days; 0 means until it is revoked.
    """
    if video.status != Video.Status.SUCCEEDED:
        raise NotFinished(_("Only a finished video can be shared."))
    now = timezone.now()
    with transaction.atomic():
        Video.objects.select_for_update().get(
            pk=video.pk
        )  # or two requests at once would leave two links
        revoke_link(video)
        return ShareLink.objects.create(
            video=video,
            with_prompt=with_prompt,
            created_at=now,
            expires_at=now + timedelta(days=days) if days else None,
        )


def revoke_link(video: Video) -> None:
    """Revoke a video's link. Safe to repeat."""
    ShareLink.objects.filter(video=video, revoked_at=None).update(revoked_at=timezone.now())


def active_link(video: Video) -> ShareLink | None:
    """Return the video's link that works now; None when there is none."""
    return _active_links().filter(video=video).first()


def token_of(share: ShareLink) -> str:
    """Return the signed token that stands in the link."""
    return _signer.sign(share.pk.hex)


def title_of(share: ShareLink) -> str:
    """Return what others may read as the title: the prompt only where the owner shows it."""
    if not share.with_prompt:
        return _("A shared video")
    return Truncator(" ".join(share.video.prompt.split())).chars(TITLE_CHARACTERS)


def link_for_token(token: str) -> ShareLink:
    """Return the working link with this token. Raises LinkNotFound."""
    try:
        key = UUID(_signer.unsign(token))
        return _active_links().select_related("video").get(pk=key)
    except (signing.BadSignature, ValueError, ShareLink.DoesNotExist) as error:
        raise LinkNotFound(token) from error


def _active_links() -> QuerySet[ShareLink]:
    fresh = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return ShareLink.objects.filter(
        fresh, revoked_at=None, video__deleted_at=None, video__user__is_active=True
    )
