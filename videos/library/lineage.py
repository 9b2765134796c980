"""Where a video comes from and what was made of it: its versions, and what one changed."""

import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from uuid import UUID

from django.db import connection

from videos.models import Video

MOST = 200
# Prompts that share less than this are two prompts, not an edited one.
ALIKE = 0.5

# Up to the first version, and down again to all that came of it.
FAMILY = """
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
class Branch:
    """A version and those made of it; one that was deleted keeps its place for their sake."""

    video: Video
    children: list["Branch"] = field(default_factory=list)

    @property
    def is_kept(self) -> bool:
        return self.video.deleted_at is None

    def living(self) -> "Branch | None":
        """The branch without what is deleted and carries nothing."""
        self.children = [child for child in self.children if child.living()]
        return self if self.is_kept or self.children else None


def family_of(video: Video) -> Branch | None:
    """The whole family from its first version on, in two queries; None for a video alone."""
    key = Video._meta.pk
    owner = Video._meta.get_field("user")
    with connection.cursor() as cursor:
        cursor.execute(
            FAMILY,
            [
                key.get_db_prep_value(video.pk, connection),
                owner.get_db_prep_value(video.user_id, connection),
                MOST,
            ],
        )
        ids = [key.to_python(row[0]) for row in cursor.fetchall()]
    rows = Video.objects.filter(pk__in=ids, user_id=video.user_id).order_by("created_at", "id")
    branches: dict[UUID, Branch] = {row.pk: Branch(row) for row in rows}
    first = None
    for branch in branches.values():
        source = branches.get(branch.video.source_id) if branch.video.source_id else None
        if source:
            source.children.append(branch)
        else:
            first = first or branch
    whole = first.living() if first else None
    return whole if whole and whole.children else None


def earlier_of(video: Video) -> Video | None:
    """The version to compare one with: what it was made of, else what it tries again."""
    for earlier in (video.source, video.retry_of):
        if earlier and earlier.deleted_at is None:
            return earlier
    return None


def members(branch: Branch) -> list[Video]:
    """Everybody in it who is still kept."""
    own = [branch.video] if branch.is_kept else []
    return own + [video for child in branch.children for video in members(child)]


def changes(old: str, new: str) -> list[tuple[str, str]]:
    """The new text in pieces, each "same", "gone" or "new"; all of it new when little is shared."""
    before, after = re.findall(r"\s*\S+", old), re.findall(r"\s*\S+", new)
    matcher = SequenceMatcher(None, [w.strip() for w in before], [w.strip() for w in after], False)
    if matcher.ratio() < ALIKE:
        return [("new", new)]
    pieces: list[tuple[str, str]] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            pieces += _piece("same", after[c:d])
        else:
            pieces += [*_piece("gone", before[a:b]), *_piece("new", after[c:d])]
    return pieces


def _piece(kind: str, words: list[str]) -> list[tuple[str, str]]:
    """Words with the space before them, which is never marked."""
    text = "".join(words)
    bare = text.lstrip()
    space = [("same", text[: len(text) - len(bare)])] if bare != text else []
    return [*space, (kind, bare)] if bare else []
