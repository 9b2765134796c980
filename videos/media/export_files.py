"""Where the files of exports are stored, and how they are deleted; they are those of a video."""

from contextlib import suppress
from uuid import UUID

from django.core.files.storage import default_storage


def name_of(user_id: UUID, video_id: UUID, export_id: UUID, suffix: str) -> str:
    """The name of the file of an export in storage."""
    return f"{_folder(user_id, video_id)}/{export_id}.{suffix}"


def delete(user_id: UUID, video_id: UUID, export_id: UUID | None = None) -> None:
    """Delete the files of all exports of a video, or of one; safe to repeat."""
    folder = _folder(user_id, video_id)
    try:
        _, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        if export_id is None or name.startswith(str(export_id)):
            default_storage.delete(f"{folder}/{name}")
    if export_id is None:
        with suppress(OSError):  # another export has just been stored
            default_storage.delete(folder)


def _folder(user_id: UUID, video_id: UUID) -> str:
    return f"exports/{user_id}/{video_id}"
