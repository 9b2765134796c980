"""Bring the videos of a bundle into an account: each once, and again from where it stopped.

An id here is made of the account and of the id there, so a repetition finds what it has done.
Videos cost nothing, and credits are never brought in.
"""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import av
from django.conf import settings
from django.db import transaction

from accounts.models import User
from billing.reports import imported_history
from config.lib import clock, texts
from videos import feed
from videos.account.bundles.reading import BadRow, Bundle, ImportedVideo, uuid_of
from videos.engines.errors import EngineError
from videos.jobs import state_machine
from videos.library import tags
from videos.media import files
from videos.media.conversion import playable
from videos.media.files import StoredResult
from videos.models import Collection, Video
from videos.models.search_text import search_text
from videos.prompts import saved

COLLECTION_NAME = 80
# What needs another video, and is a video of its own without it.
NEEDS_SOURCE = (Video.Operation.REMIX, Video.Operation.EDIT)


@dataclass
class ImportReport:
    """How many videos came in, how many were there, and the lines that were refused."""

    imported: int = 0
    kept: int = 0
    refused: list[str] = field(default_factory=list)


class _Frame(NamedTuple):
    size: str
    seconds: int


def import_bundle(user: User, bundle: Bundle) -> Iterator[ImportReport]:
    """Bring in what the bundle holds; yields the report so far after each video.

    Collections, tags, saved prompts and the credit history, which is shown only, come at the end.
    Raises UnreadableBundle.
    """
    report = ImportReport()
    for found in bundle.videos():
        if isinstance(found, BadRow):
            report.refused.append(str(found))
        elif Video.objects.filter(pk=new_id(user, found.old_id)).exists():
            report.kept += 1
        else:
            try:
                report.imported += _import_video(user, bundle, found)
            except (BadRow, EngineError) as error:
                report.refused.append(_line(found, error))
        yield report
    _import_collections(user, bundle.rows("collections.json"))
    _import_tags(user, bundle.rows("tags.json"))
    _import_prompts(user, bundle.rows("prompts.json"))
    imported_history.store(user, bundle.rows("credits.json"))
    yield report


def _line(found: ImportedVideo, error: Exception) -> str:
    return str(error) if isinstance(error, BadRow) else f"{found.old_id}: {error}"


def new_id(user: User, old_id: UUID) -> UUID:
    """The id that a video of a bundle has in this account."""
    return uuid5(user.pk, str(old_id))


def _import_video(user: User, bundle: Bundle, found: ImportedVideo) -> bool:
    """Store the files of a video, then write it. Raises BadRow or EngineError."""
    video = Video(pk=new_id(user, found.old_id), user_id=user.pk)
    with tempfile.NamedTemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR, suffix=".part") as part:
        bundle.copy_file(found, part)
        with playable.as_playable(part) as film:
            stored = files.store_imported(video, film)
            frame = _measure(film.name)
    return _write(user, found, frame, stored)


def _measure(path: str) -> _Frame:
    with av.open(path) as container:
        stream = container.streams.video[0]
        length = float(stream.duration or 0) * float(stream.time_base or 0)
        size = f"{stream.codec_context.width}x{stream.codec_context.height}"
    return _Frame(size, max(round(length), 1))


def _write(user: User, found: ImportedVideo, frame: _Frame, stored: StoredResult) -> bool:
    """Write the video as finished; False when another import was first."""
    pk = new_id(user, found.old_id)
    with feed.lock(user.pk):
        if Video.objects.filter(pk=pk).exists():
            return False
        source = _earlier(user, found.source_id)
        operation = found.operation
        if operation in NEEDS_SOURCE and source is None:
            operation = Video.Operation.TEXT
        title = None if found.title == texts.first_clause(found.prompt) else found.title
        video = Video(
            pk=pk,
            user_id=user.pk,
            operation=operation,
            source=source,
            retry_of=_earlier(user, found.retry_of_id),
            prompt=found.prompt,
            title=title,
            search_text=search_text(found.prompt, title),
            negative_prompt=found.negative_prompt,
            model=found.model,
            size=frame.size,
            seconds=frame.seconds,
            seed=found.seed,
            credits=0,
            engine="",
            metadata=found.metadata,
            favourited_at=clock.now() if found.is_favourite else None,
            take_group=found.take_group and uuid5(user.pk, str(found.take_group)),
            take_number=found.take_number,
            take_count=found.take_count,
            picked_at=clock.now() if found.is_picked else None,
            file=stored.file,
            file_bytes=stored.size_bytes,
            file_sha256=stored.sha256,
            thumbnail=stored.thumbnail,
            spritesheet=stored.spritesheet,
        )
        state_machine.insert_imported(video, found.created_at)
    return True


def _earlier(user: User, old_id: UUID | None) -> Video | None:
    return Video.objects.filter(pk=new_id(user, old_id), user=user).first() if old_id else None


def _import_collections(user: User, rows: Iterable[dict[str, Any]]) -> None:
    """Add the videos to collections of the same names; those that are there are kept."""
    for row in rows:
        name = _text(row, "name")
        if texts.is_blank(name) or len(name) > COLLECTION_NAME:
            continue
        with transaction.atomic():
            one, _new = Collection.objects.get_or_create(user=user, name=name)
            one.videos.add(*_videos_of(user, row))


def _import_tags(user: User, rows: Iterable[dict[str, Any]]) -> None:
    """Put the tags on the videos, as far as there may be so many."""
    for row in rows:
        with suppress(tags.BadTag, tags.TooManyTags):
            tags.add(_videos_of(user, row), [tags.name_of(_text(row, "name"))])


def _import_prompts(user: User, rows: Iterable[dict[str, Any]]) -> None:
    """Save the prompts, until there are as many as may be kept."""
    for row in rows:
        text = _text(row, "text")[: saved.PROMPT_MAX]
        if texts.is_blank(text):
            continue
        try:
            saved.save(user, text)
        except saved.TooManySaved:
            return


def _text(row: dict[str, Any], name: str) -> str:
    """A text of a row as it is stored; "" for anything else."""
    value = row.get(name)
    return texts.storable(value) if isinstance(value, str) else ""


def _videos_of(user: User, row: dict[str, Any]) -> list[Video]:
    """The imported videos that a row names."""
    named = row.get("videos")
    old_ids = map(uuid_of, named) if isinstance(named, list) else ()
    ids = [new_id(user, old_id) for old_id in old_ids if old_id]
    return list(Video.objects.of(user).filter(pk__in=ids))
