"""Which videos anyone may see, and so remix."""

from uuid import UUID

from videos.models import Video


def shown_videos(prefix: str = "") -> dict[str, object]:
    """Return the conditions on a video that others may see, for a filter; `prefix` leads to it."""
    return {
        f"{prefix}status": Video.Status.SUCCEEDED,
        f"{prefix}deleted_at": None,
        f"{prefix}user__is_active": True,
    }


def is_public(video_id: UUID) -> bool:
    """Return whether a clip of the showcase shows this video to everyone.

    The showcase is an app above this one: its table is asked by the name of the relation.
    """
    return Video.objects.filter(pk=video_id, clip__is_active=True, **shown_videos()).exists()
