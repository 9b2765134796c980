"""Sign videos that were stored before content credentials were on, or whose signing failed."""

import logging
from collections.abc import Iterator

from videos.credentials import records
from videos.credentials.origins import Origin
from videos.media import files
from videos.models import Video

log = logging.getLogger(__name__)
AT_ONCE = 100


def sign_all(limit: int = 0) -> Iterator[tuple[Video, bool]]:
    """Sign stored videos one after the other, oldest first, and yield each with whether it worked.

    At most `limit` of them, or all for 0. Each is written at once, so that this can be stopped and
    called again.
    """
    tried = 0
    after = None
    while True:
        rows = Video.objects.filter(records.unsigned()).select_related("user__prompt_disclosure")
        if after is not None:
            rows = rows.filter(created_at__gte=after[0]).exclude(
                created_at=after[0], pk__lte=after[1]
            )
        page = list(rows.order_by("created_at", "id")[:AT_ONCE])
        for video in page:
            if limit and tried >= limit:
                return
            tried += 1
            yield video, _sign(video)
        if not page:
            return
        after = page[-1].created_at, page[-1].pk


def _sign(video: Video) -> bool:
    try:
        return files.sign_stored(video)
    except Exception as error:  # one file must not keep the others from being signed
        log.exception("video %s cannot be signed", video.pk)
        records.record(video.pk, video.file_sha256, Origin(error=f"{error}"[:500] or repr(error)))
        return False
