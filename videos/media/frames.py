"""Take a frame out of a finished video, as first image of the next one."""

import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext as _
from PIL import Image

from videos.engines.errors import EngineError
from videos.media import engine_files, uploads
from videos.media.concurrency import ConcurrencyLimit
from videos.media.engine_files import EngineFileError
from videos.models import Upload, Video

if TYPE_CHECKING:
    import av

# Decoding up to a frame takes a core for seconds.
_decoding = ConcurrencyLimit(2)


# By the matrix of a film, which maps (x, y) to (ax + cy, bx + dy); y points down.
TRANSPOSITIONS = {
    (0, 1, -1, 0): Image.Transpose.ROTATE_270,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180,
    (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM,
    (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE,
}
SIDEWAYS = {
    Image.Transpose.ROTATE_90,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.TRANSVERSE,
}


class NoFrame(Exception):
    """The video has no readable file; nothing was stored."""


def store_frame(video: Video, seconds: float) -> Upload:
    """Store the frame shown at `seconds`, or the last one, as an upload of the video's owner.

    Raises NoFrame, or what uploads.store_image raises.
    """
    import av  # noqa: PLC0415 - 17 MB, which a process without videos never needs

    uploads.check_quota(video.user_id, 0)
    if not video.has_file:
        raise NoFrame(_("The video has no file yet."))
    body = BytesIO()
    try:
        with (
            _decoding.slot(video.user_id),
            _seekable(video) as file,
        ):
            frame_at(file, seconds).save(body, "PNG", compress_level=1)
    except (OSError, EngineFileError, EngineError, av.FFmpegError, IndexError) as error:
        raise NoFrame(_("The file cannot be read.")) from error
    name = f"frame-at-{max(seconds, 0):.1f}-s.png"
    return uploads.store_image(video.user, SimpleUploadedFile(name, body.getvalue(), "image/png"))


@contextmanager
def _seekable(video: Video) -> Iterator[IO[Any]]:
    """The stored file, or a temporary copy of one that stays at its engine."""
    if not video.file_stays_at_engine:
        with default_storage.open(str(video.file.name), "rb") as file:
            yield file
        return
    with (
        tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as copy,
        engine_files.open_whole(video) as stream,
    ):
        while chunk := stream.read():
            copy.write(chunk)
        copy.seek(0)
        yield copy


def frame_at(file: IO[Any], seconds: float, most_width: int = 0) -> Image.Image:
    """The frame that a film shows at `seconds`, or its last one. Raises IndexError without any."""
    import av  # noqa: PLC0415 - see above

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
        return to_image(found, most_width)


def to_image(frame: "av.VideoFrame", most_width: int = 0) -> Image.Image:
    """A frame as a player shows it, turned and mirrored, at most `most_width` pixels wide."""
    turned = _transposition(frame)
    shown_width = frame.height if turned in SIDEWAYS else frame.width
    scale = min(most_width / shown_width, 1) if most_width else 1
    image: Image.Image = frame.to_image(  # type: ignore[no-untyped-call]
        width=max(round(frame.width * scale), 1), height=max(round(frame.height * scale), 1)
    )
    return image if turned is None else image.transpose(turned)


def _transposition(frame: "av.VideoFrame") -> Image.Transpose | None:
    """How a frame is turned and mirrored to be shown, by right angles; None if it is not."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return None
    a, b, _u, c, d, *_rest = (number / 65536 for number in struct.unpack("=9i", bytes(data)))
    return TRANSPOSITIONS.get((round(a), round(b), round(c), round(d)))
