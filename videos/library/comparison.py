"""Which videos may be compared: those of one lineage, takes of one order, and a retried video."""

from collections.abc import Iterable

from videos.library.lineage import LineageNode, kept_videos, lineage_of, previous_version
from videos.library.takes import takes_of
from videos.models import Video


def relatives_of(video: Video) -> list[Video]:
    """Return the kept videos that this one may be compared with, itself among them, oldest first.

    [] when there is no other. Up to three queries.
    """
    return select_relatives(video, lineage_of(video), takes_of(video))


def select_relatives(video: Video, tree: LineageNode | None, takes: Iterable[Video]) -> list[Video]:
    """Return the relatives of a video whose lineage and takes were read already."""
    found = {one.pk: one for one in (*(kept_videos(tree) if tree else ()), *takes, video)}
    if earlier := previous_version(video):
        found.setdefault(earlier.pk, earlier)
    ordered = sorted(found.values(), key=lambda one: (one.created_at, one.take_number or 0))
    return ordered if len(ordered) > 1 else []


def usual_pair(video: Video, relatives: list[Video]) -> tuple[Video, Video]:
    """Return what a video is compared with unless somebody chooses: its source, else another."""
    earlier = previous_version(video)
    if earlier and earlier in relatives:
        return earlier, video
    return video, next(one for one in reversed(relatives) if one != video)
