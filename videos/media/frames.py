"""Take a frame out of a finished video, as first image of the next one."""

from io import BytesIO
from typing import IO, Any

import av
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext as _
from PIL import Image

from videos.media import uploads
from videos.media.concurrency import ConcurrencyLimit
from videos.models import Upload, Video

# Decoding up to a frame takes a core for seconds.
_decoding = ConcurrencyLimit(2)


class NoFrame(Exception):
    """The video has no readable file; nothing was stored."""


def store_frame(video: Video, seconds: float) -> Upload:
    """Store the frame shown at `seconds`, or the last one, as an upload of the video's owner.

    Raises NoFrame, or what uploads.store_image raises.
    """
    uploads.check_quota(video.user_id, 0)
    if not video.file:
        raise NoFrame(_("The video has no file yet."))
    body = BytesIO()
    try:
        with (
            _decoding.slot(video.user_id),
            default_storage.open(str(video.file.name), "rb") as file,
        ):
            _frame_at(file, seconds).save(body, "PNG", compress_level=1)
    except (OSError, av.FFmpegError, IndexError) as error:
        raise NoFrame(_("The file cannot be read.")) from error
    name = f"frame-at-{max(seconds, 0):.1f}-s.png"
    return uploads.store_image(video.user, SimpleUploadedFile(name, body.getvalue(), "image/png"))


def _frame_at(file: IO[Any], seconds: float) -> Image.Image:
    with av.open(file, mode="r") as container:
        stream = container.streams.video[0]
        base = float(stream.time_base or 1)
        container.seek(int(max(seconds, 0) / base), stream=stream)
        found = None
        for frame in container.decode(stream):
            if found is not None and (frame.pts or 0) * base > seconds + 1e-3:
                break
            found = frame
        if found is None:
            raise IndexError(seconds)
        image: Image.Image = found.to_image()  # type: ignore[no-untyped-call]
        return image
