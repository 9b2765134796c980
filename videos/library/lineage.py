"""The lineage of a video: the version it was made from, its remixes, and what a prompt changed."""

import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from uuid import UUID

from django.db import connection

from videos.models import Video

MAX_VERSIONS = 200
# Below this share of common words two prompts are shown as different, not as one edited.
MIN_SIMILARITY = 0.5
# With the space before it: a character of Chinese or Japanese, which has no spaces between words,
# a word, or marks.
WORD = re.compile(
    r"\s*(?:[\u3040-\u30ff\u3400-\u9fff]|(?:(?![\u3040-\u30ff\u3400-\u9fff])\w)+|[^\w\s]+)"
)

# Climb from a video to the first version, then descend to everything made from that.
LINEAGE_SQL = """
WITH RECURSIVE up(id, source_id) AS (
    SELECT id, source_id FROM videos_video WHERE id = %s AND user_id = %s
    UNION
    SELECT v.id, v.source_id FROM videos_video v JOIN up ON v.id = up.source_id
), down(id) AS (
    SELECT id FROM up WHERE source_id IS NULL
    UNION
    SELECT v.id FROM videos_video v JOIN down ON v.source_id = down.id
)
SELECT id FROM down LIMIT %s
"""


@dataclass
class LineageNode:
    """A version and its children; a deleted version stays in the tree while it has children."""

    video: Video
    children: list["LineageNode"] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        return self.video.deleted_at is None

    def without_deleted(self) -> "LineageNode | None":
        """Drop deleted videos that have no kept descendants; None when nothing is left."""
        self.children = [child for child in self.children if child.without_deleted()]
        return self if self.is_kept or self.children else None


def lineage_of(video: Video) -> LineageNode | None:
    """Return the root of the lineage, in two queries; None for a video without other versions."""
    key = Video._meta.pk
    owner = Video._meta.get_field("user")
    with connection.cursor() as cursor:
        cursor.execute(
            LINEAGE_SQL,
            [
                key.get_db_prep_value(video.pk, connection),
                owner.get_db_prep_value(video.user_id, connection),
                MAX_VERSIONS,
            ],
        )
        ids = [key.to_python(row[0]) for row in cursor.fetchall()]
    rows = Video.objects.filter(pk__in=ids, user_id=video.user_id).order_by("created_at", "id")
    nodes: dict[UUID, LineageNode] = {row.pk: LineageNode(row) for row in rows}
    root = None
    for node in nodes.values():
        source = nodes.get(node.video.source_id) if node.video.source_id else None
        if source:
            source.children.append(node)
        else:
            root = root or node
    root = root.without_deleted() if root else None
    return root if root and root.children else None


def previous_version(video: Video) -> Video | None:
    """Return the video it was made from, else the one it retries; None if both were deleted."""
    for earlier in (video.source, video.retry_of):
        if earlier and earlier.deleted_at is None:
            return earlier
    return None


def kept_videos(node: LineageNode) -> list[Video]:
    """Return the videos of a node and its descendants that were not deleted."""
    own = [node.video] if node.is_kept else []
    return own + [video for child in node.children for video in kept_videos(child)]


def prompt_changes(
    old: str, new: str, min_similarity: float = MIN_SIMILARITY
) -> list[tuple[str, str]]:
    """Return the new text in pieces, each "same", "gone" or "new"; all new if little is shared.

    `min_similarity`, from 0 to 1, is how much of the texts they must share to be compared.
    """
    before, after = WORD.findall(old), WORD.findall(new)
    matcher = SequenceMatcher(None, [w.strip() for w in before], [w.strip() for w in after], False)
    if matcher.ratio() < min_similarity:
        return [("new", new)]
    pieces: list[tuple[str, str]] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            pieces += _piece("same", after[c:d])
        else:
            pieces += [*_piece("gone", before[a:b]), *_piece("new", after[c:d])]
    return pieces


def _piece(kind: str, words: list[str]) -> list[tuple[str, str]]:
    """Return words as a piece of this kind; the space before them is never marked."""
    text = "".join(words)
    bare = text.lstrip()
    space = [("same", text[: len(text) - len(bare)])] if bare != text else []
    return [*space, (kind, bare)] if bare else []
