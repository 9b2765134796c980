"""Links to collections: anyone with the link can watch the finished videos, until it ends.

What is added to the collection later is shown too, and what is removed no longer.
"""

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from videos.library.public_links import LinkNotFound, Tokens, expiry_after, working
from videos.models import Collection, CollectionLink, Video, VideoQuerySet

_tokens = Tokens("videos.collection")


def create_link(
    collection: Collection, *, days: int = 0, with_prompts: bool = False
) -> CollectionLink:
    """Create a link to a collection and revoke the one before it.

    The link works for `days` days; 0 means until it is revoked.
    """
    now = timezone.now()
    with transaction.atomic():
        # Or two requests at once would leave two links.
        Collection.objects.select_for_update().get(pk=collection.pk)
        revoke_link(collection)
        return CollectionLink.objects.create(
            collection=collection,
            with_prompts=with_prompts,
            created_at=now,
            expires_at=expiry_after(days, now),
        )


def revoke_link(collection: Collection) -> None:
    """Revoke a collection's link. Safe to repeat."""
    _revoke(CollectionLink.objects.filter(collection=collection))


def revoke_links_to(video: Video) -> None:
    """Revoke the links of all collections that show this video. Safe to repeat."""
    _revoke(CollectionLink.objects.filter(collection__videos=video))


def is_shown(video: Video) -> bool:
    """Return whether the link of a collection shows this video to others."""
    return _active_links().filter(collection__videos=video).exists()


def active_link(collection: Collection) -> CollectionLink | None:
    """Return the collection's link that works now; None when there is none."""
    return _active_links().filter(collection=collection).first()


def token_of(link: CollectionLink) -> str:
    """Return the signed token that stands in the link."""
    return _tokens.of(link.pk)


def link_for_token(token: str) -> CollectionLink:
    """Return the working link with this token. Raises LinkNotFound."""
    found = _active_links().select_related("collection").filter(pk=_tokens.read(token)).first()
    if found is None:
        raise LinkNotFound(token)
    return found


def videos_of(link: CollectionLink) -> VideoQuerySet:
    """Return the videos that a link shows, newest first."""
    kept = Video.objects.filter(collections=link.collection_id, deleted_at=None)
    return kept.filter(status=Video.Status.SUCCEEDED).newest()


def _revoke(links: QuerySet[CollectionLink]) -> None:
    links.filter(revoked_at=None).update(revoked_at=timezone.now())


def _active_links() -> QuerySet[CollectionLink]:
    return CollectionLink.objects.filter(working(), collection__user__is_active=True)
