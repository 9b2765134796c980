"""Image files on the canvas."""

from pathlib import Path

import numpy as np
from PIL import Image

from videos.sandbox.scenery.drawing.canvas import FROM_RGB, Canvas, Field, downsample


class Picture:
    """An image of even width and height, as the three planes of a canvas."""

    def __init__(self, image: Image.Image) -> None:
        planes = np.asarray(image.convert("RGB"), np.float32) @ FROM_RGB.T
        y, u, v = (np.ascontiguousarray(planes[:, :, index]) for index in range(3))
        self._planes = [Image.fromarray(plane) for plane in (y, downsample(u), downsample(v))]
        self.width, self.height = image.size

    def paint(self, canvas: Canvas, left: int, top: int) -> None:
        """Draw it at an even place inside the canvas."""
        for plane, image, step in zip(_planes(canvas), self._planes, (1, 2, 2), strict=True):
            y, x = top // step, left // step
            plane[y : y + image.height, x : x + image.width] = np.asarray(image)

    def blend(self, canvas: Canvas, share: float, zoom: float) -> None:
        """Mix it into a canvas of its size; `zoom` is the share of it that is outside the frame."""
        for plane, image in zip(_planes(canvas), self._planes, strict=True):
            np.add(plane, (_zoomed(image, zoom) - plane) * np.float32(share), out=plane)


def open_image(file: Path) -> Image.Image:
    """Decode an image file as RGB."""
    with Image.open(file, formats=("JPEG", "PNG", "WEBP")) as opened:
        return opened.convert("RGB")


def _planes(canvas: Canvas) -> tuple[Field, Field, Field]:
    return canvas.y, canvas.u, canvas.v


def _zoomed(image: Image.Image, zoom: float) -> Field:
    if zoom == 0:
        return np.asarray(image)
    left, top = image.width * zoom / 2, image.height * zoom / 2
    box = (left, top, image.width - left, image.height - top)
    return np.asarray(image.resize(image.size, Image.Resampling.BILINEAR, box))
