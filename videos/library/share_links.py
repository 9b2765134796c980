"""Share links: anyone with the link can watch one video, until it expires or is revoked."""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from videos.library.public_links import LinkNotFound, Tokens, expiry_after, working
from videos.models import ShareLink, Video

TITLE_CHARACTERS = 70
_tokens = Tokens("videos.share")


class NotFinished(Exception):
    """The video has no file yet; no link was created."""


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
            expires_at=expiry_after(days, now),
        )


def revoke_link(video: Video) -> None:
    """Revoke a video's link. Safe to repeat."""
    ShareLink.objects.filter(video=video, revoked_at=None).update(revoked_at=timezone.now())


def active_link(video: Video) -> ShareLink | None:
    """Return the video's link that works now; None when there is none."""
    return _active_links().filter(video=video).first()


def token_of(share: ShareLink) -> str:
    """Return the signed token that stands in the link."""
    return _tokens.of(share.pk)


def title_of(share: ShareLink) -> str:
    """Return what others may read as the title: the prompt only where the owner shows it."""
    if not share.with_prompt:
        return _("A shared video")
    return Truncator(" ".join(share.video.prompt.split())).chars(TITLE_CHARACTERS)


def link_for_token(token: str) -> ShareLink:
    """Return the working link with this token. Raises LinkNotFound."""
    found = _active_links().select_related("video").filter(pk=_tokens.read(token)).first()
    if found is None:
        raise LinkNotFound(token)
    return found


def _active_links() -> QuerySet[ShareLink]:
    return ShareLink.objects.filter(working(), video__deleted_at=None, video__user__is_active=True)
