"""Make the thumbnail and the spritesheet of a video: download them, or draw them from the MP4."""

from io import BytesIO

import av
from PIL import Image

from videos.engines.base import Engine, Variant
from videos.engines.errors import BadAnswer, EngineError
from videos.media import images, pixels
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
        return _draw(mp4, variant)


def _draw(mp4: str, variant: Variant) -> bytes:
    if variant is Variant.THUMBNAIL:
        frames = _frames(mp4, SHEET_COLUMNS * SHEET_ROWS, THUMBNAIL_SIDE)
        return _encode(frames[len(frames) // 2], variant)
    frames = _frames(mp4, SHEET_COLUMNS * SHEET_ROWS, SHEET_WIDTH)
    tile = (SHEET_WIDTH, round(SHEET_WIDTH * frames[0].height / frames[0].width))
    sheet = Image.new("RGB", (tile[0] * SHEET_COLUMNS, tile[1] * SHEET_ROWS))
    for n, frame in enumerate(frames):
        sheet.paste(frame.resize(tile), (n % SHEET_COLUMNS * tile[0], n // SHEET_COLUMNS * tile[1]))
    return _encode(sheet, variant)


def _frames(mp4: str, count: int, width: int) -> list[Image.Image]:
    """`count` frames spread evenly over the clip, at most `width` wide; fewer when it has fewer."""
    with av.open(mp4) as container:
        stream = container.streams.video[0]
        step = max((stream.frames or count) // count, 1)
        found: list[Image.Image] = []
        for n, frame in enumerate(container.decode(stream)):
            if n % step == 0 and len(found) < count:
                found.append(_shrunk(frame, width))
    if not found:
        raise BadAnswer("an MP4 without frames")
    return found


def _shrunk(frame: av.VideoFrame, width: int) -> Image.Image:
    """A frame as image, at most `width` wide: whole ones would fill the memory of a worker."""
    width = min(width, frame.width)
    height = max(round(frame.height * width / frame.width), 1)
    image: Image.Image = frame.to_image(width=width, height=height)  # type: ignore[no-untyped-call]
    return image


def _encode(image: Image.Image, variant: Variant) -> bytes:
    body = BytesIO()
    if variant is Variant.THUMBNAIL:
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        image.save(body, "WEBP", quality=80)
    else:
        image.save(body, "JPEG", quality=80)
    return body.getvalue()
