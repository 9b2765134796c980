"""An export and a format as JSON."""

from typing import Any

from django.conf import settings

from videos import representations
from videos.credentials import signing
from videos.editing import representation as edits
from videos.editing.exports.formats import FORMATS, Format
from videos.media import zip_download
from videos.models import MediaExport


def export(row: MediaExport) -> dict[str, Any]:
    """The object of an export; times in unix seconds."""
    job, form = row.job, FORMATS.get(row.format)
    is_shaped = bool(form and form.aspect)
    return {
        "id": str(row.pk),
        "status": job.status,
        "progress": int(job.progress),
        "video_id": representations.library_id(row.video_id),
        "format": row.format,
        "fit": job.recipe.get("fit") if is_shaped else None,
        "position": job.recipe.get("position") if is_shaped else None,
        "credits": job.credits,
        "file": file(row) if row.file and form else None,
        "kept_until": int(row.kept_until.timestamp()) if row.kept_until else None,
        "failure": edits.failure(job),
        "created_at": int(job.created_at.timestamp()),
        "started_at": int(job.started_at.timestamp()) if job.started_at else None,
        "ended_at": int(job.ended_at.timestamp()) if job.ended_at else None,
    }


def file(row: MediaExport) -> dict[str, Any]:
    """The finished file of an export; `credentials` says where its manifest is."""
    content = f"/api/exports/{row.pk}/content"
    return {
        "name": file_name(row),
        "media_type": FORMATS[row.format].media_type,
        "bytes": row.file_bytes,
        "sha256": row.file_sha256,
        "width": row.width or None,
        "height": row.height or None,
        "seconds": row.seconds or None,
        "url": content,
        "credentials": credentials_of(row),
        "credentials_url": f"{content}?variant=credentials" if row.sidecar else None,
    }


def credentials_of(row: MediaExport) -> str:
    """Where the manifest is: "embedded", "beside" the file, or "none"."""
    if row.sidecar:
        return "beside"
    return "embedded" if row.manifest else "none"


def file_name(row: MediaExport, *, sidecar: bool = False) -> str:
    """The file name of a downloaded export, unique for each export."""
    title = zip_download.file_name(row.video).removesuffix(".mp4")
    name = f"{title}-{row.format}-{row.pk.hex[:4]}.{FORMATS[row.format].suffix}"
    return name + signing.SIDECAR_SUFFIX if sidecar else name


def offered_format(form: Format) -> dict[str, Any]:
    """The object of a format."""
    return {
        "name": form.name,
        "group": form.group,
        "label": str(form.label),
        "about": str(form.about),
        "media_type": form.media_type,
        "suffix": form.suffix,
        "aspect": form.aspect or None,
        "most_bytes": settings.EXPORT_ANIMATION_BYTES if form.is_animation else None,
        "credentials": "embedded" if form.media_type in signing.EMBEDDABLE else "beside",
    }
