"""Template tags about the library, for pages of apps that may not import videos."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django import template
from django.template.defaultfilters import linebreaksbr
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from billing.reports.history import HistoryLine
from videos.library import takes
from videos.models import Video

register = template.Library()


@dataclass(frozen=True)
class LedgerVideos:
    """The ids of the videos that were not deleted, and which takes of their orders some are.

    `following` are the ids of the entries that go on with the takes of the entry above.
    """

    kept: set[str]
    takes: dict[str, str]
    following: set[UUID]


@register.simple_tag
def videos_in(lines: Iterable[HistoryLine]) -> LedgerVideos:
    """Return what these ledger lines need to know about their videos; at most one query."""
    lines = list(lines)
    wanted = {line.video for line in lines if line.video}
    columns = ("deleted_at", "take_group", "take_number", "take_count")
    found = list(Video.objects.filter(pk__in=wanted).only(*columns)) if wanted else []
    return LedgerVideos(
        {str(video.pk) for video in found if video.deleted_at is None},
        {str(video.pk): takes.label(video) for video in found},
        _following(lines, {str(video.pk): video.take_group for video in found}),
    )


def _following(lines: list[HistoryLine], groups: dict[str, UUID | None]) -> set[UUID]:
    """Return the ids of the entries of the same kind and order as the one before."""
    kinds = [(line.entry.type, groups.get(line.video)) for line in lines]
    pairs = zip(kinds, kinds[1:], lines[1:], strict=False)
    return {line.entry.pk for before, kind, line in pairs if kind == before and kind[1]}


@register.simple_tag
def take_in(videos: LedgerVideos, video: str) -> str:
    """Return which take the video with this id is; "" for one that was ordered alone."""
    return videos.takes.get(video, "")


@register.simple_tag
def mark_changes(changes: list[tuple[str, str]]) -> SafeString:
    """Return a prompt with what is new or gone in it marked; nothing is marked in a single piece.

    A tag, because the pieces hold their spaces, and a template would add some between them.
    """
    tags = {"gone": "del", "new": "ins"} if len(changes) > 1 else {}
    return format_html_join(
        "", "{}{}{}", (_in_tag(tags.get(kind), linebreaksbr(text)) for kind, text in changes)
    )


def _in_tag(tag: str | None, text: str) -> tuple[str, str, str]:
    """Return a piece between its tags, which are ours; without any for None."""
    if tag is None:
        return "", text, ""
    return mark_safe(f"<{tag}>"), text, mark_safe(f"</{tag}>")  # noqa: S308 - two fixed names
