"""Send the files of exports: one, or all of several in a ZIP."""

from collections.abc import Iterable
from functools import partial
from typing import cast

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from videos.editing.exports import representation
from videos.editing.exports.formats import FORMATS
from videos.engines.result_streams import ResultStream
from videos.media import http_ranges
from videos.media.zip_download import ZipEntry
from videos.models import MediaExport

FILE, CREDENTIALS = "file", "credentials"
VARIANTS = (FILE, CREDENTIALS)
SIDECAR_TYPE = "application/c2pa"


def response(request: HttpRequest, row: MediaExport, variant: str = FILE) -> HttpResponseBase:
    """Answer with the file of an export, or the manifest beside it. Raises FileNotFoundError."""
    is_sidecar = variant == CREDENTIALS
    name = row.sidecar if is_sidecar else row.file
    if not name or row.format not in FORMATS:
        raise FileNotFoundError(str(row.pk))
    media_type = SIDECAR_TYPE if is_sidecar else FORMATS[row.format].media_type
    filename = representation.file_name(row, sidecar=is_sidecar)
    etag = f"{row.file_sha256[:32]}-{variant}"
    file = http_ranges.StoredFile(name, media_type, filename, etag)
    return http_ranges.file_response(request, file, attachment=True)


def list_files(rows: Iterable[MediaExport]) -> list[ZipEntry]:
    """The files of finished exports, with the manifests beside them."""
    entries = []
    for row in rows:
        for name, is_sidecar in ((row.file, False), (row.sidecar, True)):
            if name and row.format in FORMATS:
                shown = representation.file_name(row, sidecar=is_sidecar)
                at = timezone.localtime(row.created_at)
                entries.append(ZipEntry(partial(_open, name), shown, at))
    return entries


def _open(name: str) -> ResultStream:
    return cast("ResultStream", default_storage.open(name, "rb"))
