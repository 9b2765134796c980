"""Links by which anybody may see one video, until its owner takes them back or they run out."""

from datetime import timedelta
from uuid import UUID

from django.core import signing
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from videos.models import Share, Video

DAYS = (7, 30)
_signer = signing.Signer(salt="videos.share", sep=".")


class NotFinished(Exception):
    """There is no file to show yet; nothing was shared."""


class NoSuchLink(Exception):
    """The link was never given, was taken back or has run out, or its video or owner is gone."""


def share(video: Video, *, days: int = 0, with_prompt: bool = False) -> Share:
    """A new link to a finished video, for `days` or for good; the one before it ends.

    Raises NotFinished.
    """
    if video.status != Video.Status.SUCCEEDED:
        raise NotFinished(_("Only a finished video can be shared."))
    now = timezone.now()
    with transaction.atomic():
        Video.objects.select_for_update().get(pk=video.pk)  # two at once would both be open
        withdraw(video)
        return Share.objects.create(
            video=video,
            with_prompt=with_prompt,
            created_at=now,
            expires_at=now + timedelta(days=days) if days else None,
        )


def withdraw(video: Video) -> None:
    """Take back a video's link. Safe to repeat."""
    Share.objects.filter(video=video, revoked_at=None).update(revoked_at=timezone.now())


def open_share(video: Video) -> Share | None:
    """The link of a video that works now."""
    return _working().filter(video=video).first()


def token_of(share: Share) -> str:
    return _signer.sign(share.pk.hex)


def shared_by(token: str) -> Share:
    """What a link shows. Raises NoSuchLink."""
    try:
        key = UUID(_signer.unsign(token))
        return _working().select_related("video").get(pk=key)
    except (signing.BadSignature, ValueError, Share.DoesNotExist) as error:
        raise NoSuchLink(token) from error


def _working() -> QuerySet[Share]:
    fresh = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    return Share.objects.filter(
        fresh, revoked_at=None, video__deleted_at=None, video__user__is_active=True
    )
