"""The videos of one user, one at a time."""

from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import UUIDField

from config.lib.prepared_queries import PreparedQuery
from videos.models import Video

OWN_VIDEO = PreparedQuery(
    lambda owner, pk: Video.objects.of_id(owner).filter(pk=pk), UUIDField, UUIDField
)


def find(user: AbstractBaseUser, video_id: UUID) -> Video | None:
    """Return a video that this user may see; None for another user's, as for an unknown id."""
    return OWN_VIDEO.first(user.pk, video_id)
