"""Which videos anyone may see, and so remix."""

from uuid import UUID

from videos.models import Video


def is_public(video_id: UUID) -> bool:
    """Return whether a clip of the showcase shows this video to everyone.

    The showcase is an app above this one: its table is asked by the name of the relation.
    """
    shown = Video.objects.kept().filter(pk=video_id, user__is_active=True, clip__is_active=True)
    return bool(shown.exists())
