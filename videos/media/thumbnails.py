"""Make the thumbnail and the spritesheet of a video: download them, or draw them from the MP4."""

from io import BytesIO

import av
from PIL import Image, UnidentifiedImageError

from videos.engines.base import Engine, Variant
from videos.engines.errors import BadAnswer, EngineError
from videos.models import Video

IMAGE_FORMATS = ("JPEG", "PNG", "WEBP")
SHEET_COLUMNS, SHEET_ROWS, SHEET_WIDTH = 4, 3, 320


def fetch_or_draw(engine: Engine, video: Video, variant: Variant, mp4: str) -> bytes:
    """Return the engine's image of this variant, or one drawn from the MP4 if it has none."""
    body = BytesIO()
    try:
        engine.download(video.engine_job_id, variant, body)
        with Image.open(body, formats=IMAGE_FORMATS) as image:
            image.load()
            return _encode(image.convert("RGB"), variant)
    except (EngineError, UnidentifiedImageError, OSError, SyntaxError):
        return _draw(mp4, variant)


def _draw(mp4: str, variant: Variant) -> bytes:
    frames = _frames(mp4, SHEET_COLUMNS * SHEET_ROWS)
    if variant is Variant.THUMBNAIL:
        return _encode(frames[len(frames) // 2], variant)
    tile = (SHEET_WIDTH, round(SHEET_WIDTH * frames[0].height / frames[0].width))
    sheet = Image.new("RGB", (tile[0] * SHEET_COLUMNS, tile[1] * SHEET_ROWS))
    for n, frame in enumerate(frames):
        sheet.paste(frame.resize(tile), (n % SHEET_COLUMNS * tile[0], n // SHEET_COLUMNS * tile[1]))
    return _encode(sheet, variant)


def _frames(mp4: str, count: int) -> list[Image.Image]:
    """`count` frames spread evenly over the clip; fewer when it has fewer."""
    with av.open(mp4) as container:
        stream = container.streams.video[0]
        step = max((stream.frames or count) // count, 1)
        found: list[Image.Image] = []
        for n, frame in enumerate(container.decode(stream)):
            if n % step == 0 and len(found) < count:
                found.append(frame.to_image())  # type: ignore[no-untyped-call]
    if not found:
        raise BadAnswer("an MP4 without frames")
    return found


def _encode(image: Image.Image, variant: Variant) -> bytes:
    body = BytesIO()
    if variant is Variant.THUMBNAIL:
        image.thumbnail((960, 960))
        image.save(body, "WEBP", quality=80)
    else:
        image.save(body, "JPEG", quality=80)
    return body.getvalue()
