"""Free space of the disks that hold our files."""

import shutil
from pathlib import Path

from django.conf import settings


def full_folders() -> list[Path]:
    """Return our folders on whose disk less than DISK_FREE_MIN_BYTES are free."""
    return [folder for folder in folders() if free_bytes(folder) < settings.DISK_FREE_MIN_BYTES]


def folders() -> list[Path]:
    """Return our folders: data, files that arrive, and media unless a bucket holds the media."""
    found = [settings.DATA_DIR, Path(settings.FILE_UPLOAD_TEMP_DIR)]
    if not settings.S3_BUCKET:
        found.append(settings.MEDIA_ROOT)
    return found


def free_bytes(folder: Path) -> int:
    """Return what is free for this folder, which need not exist yet."""
    present = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(present).free
