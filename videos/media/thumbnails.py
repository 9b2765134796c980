"""Make the thumbnail and the spritesheet of a video: download them, or draw them from the MP4."""

from collections import deque
from io import BytesIO
from pathlib import Path

from PIL import Image

from videos.engines.base import Engine, Variant
from videos.engines.errors import BadAnswer, EngineError
from videos.media import frames, images, pixels
from videos.media.upload_checks import BadImage
from videos.models import Video

THUMBNAIL_SIDE = 960
SHEET_COLUMNS, SHEET_ROWS, SHEET_WIDTH = 4, 3, 320


def fetch_or_draw(engine: Engine, video: Video, variant: Variant, mp4: str) -> bytes:
    """Return the engine's image of this variant, or one drawn from the MP4 if it has none."""
    body = BytesIO()
    try:
        engine.download(video.engine_job_id, variant, body)
        with images.decoded(body) as image:
            return _encode(pixels.on_background(image), variant)
    except (EngineError, BadImage):
        return draw(mp4, variant)


def draw(mp4: str, variant: Variant, seconds: float | None = None) -> bytes:
    """Draw an image from the MP4; a thumbnail shows the moment `seconds`, else the middle.

    Raises BadAnswer.
    """
    if variant is Variant.THUMBNAIL:
        if seconds is not None:
            return _encode(_shown_at(mp4, seconds), variant)
        return _encode(_shown_at_equal_steps(mp4, 1, THUMBNAIL_SIDE)[0], variant)
    shown = _shown_at_equal_steps(mp4, SHEET_COLUMNS * SHEET_ROWS, SHEET_WIDTH)
    tile = (SHEET_WIDTH, round(SHEET_WIDTH * shown[0].height / shown[0].width))
    sheet = Image.new("RGB", (tile[0] * SHEET_COLUMNS, tile[1] * SHEET_ROWS))
    for n, frame in enumerate(shown):
        sheet.paste(frame.resize(tile), (n % SHEET_COLUMNS * tile[0], n // SHEET_COLUMNS * tile[1]))
    return _encode(sheet, variant)


def _shown_at(mp4: str, seconds: float) -> Image.Image:
    with Path(mp4).open("rb") as file:
        try:
            return frames.frame_at(file, seconds, THUMBNAIL_SIDE)
        except IndexError as error:
            raise BadAnswer("an MP4 without frames") from error


def _shown_at_equal_steps(mp4: str, count: int, width: int) -> list[Image.Image]:
    """What a player shows in the middle of each of `count` equal parts, at most `width` wide.

    The number of frames that a file states, and their order, say nothing: parts of a film may be
    cut by its edit list, and a fragmented one does not know its length.
    """
    import av  # noqa: PLC0415 - 17 MB, which a process without videos never needs

    start, end = _span(mp4)
    moments = deque(start + (n + 0.5) * (end - start) / count for n in range(count))
    shown: list[Image.Image] = []
    last = None
    with av.open(mp4) as container:
        for frame in container.decode(container.streams.video[0]):
            if passed := _take_until(moments, frame.pts or 0):
                shown += [frames.to_image(last or frame, width)] * passed
            last = frame
            if not moments:
                return shown
    if last is None:
        raise BadAnswer("an MP4 without frames")
    return shown + [frames.to_image(last, width)] * len(moments)


def _span(mp4: str) -> tuple[int, int]:
    """The first and the last moment of the frames that are shown, in units of the track."""
    import av  # noqa: PLC0415 - see above

    with av.open(mp4) as container:
        packets = [
            (packet.pts, packet.pts + (packet.duration or 0))
            for packet in container.demux(container.streams.video[0])
            if packet.pts is not None and not packet.is_discard
        ]
    if not packets:
        raise BadAnswer("an MP4 without frames")
    return min(start for start, _end in packets), max(end for _start, end in packets)


def _take_until(moments: deque[float], time: int) -> int:
    """Take out the moments before `time` and return how many there were."""
    count = 0
    while moments and moments[0] < time:
        moments.popleft()
        count += 1
    return count


def _encode(image: Image.Image, variant: Variant) -> bytes:
    body = BytesIO()
    if variant is Variant.THUMBNAIL:
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        image.save(body, "WEBP", quality=80)
    else:
        image.save(body, "JPEG", quality=80)
    return body.getvalue()
