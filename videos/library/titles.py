"""The titles that people give their videos."""

from config.lib import texts
from videos.models import Video
from videos.models.search_text import search_text


def rename(video: Video, title: str) -> None:
    """Give a video a title of its own; one that shows nothing returns it to its prompt's.

    The library finds it by both. Nothing is written for a video that was deleted meanwhile.
    """
    title = texts.without_controls(title)
    line = "" if texts.is_blank(title) else " ".join(title.split())
    video.title = None if line in {"", texts.first_clause(video.prompt)} else line
    Video.objects.filter(pk=video.pk, deleted_at=None).update(
        title=video.title, search_text=search_text(video.prompt, video.title)
    )
