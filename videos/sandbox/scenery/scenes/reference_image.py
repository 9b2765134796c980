"""A clip that starts from a reference image: the camera zooms in, then fades to the scene."""

from pathlib import Path

import numpy as np
from PIL import Image

from videos.sandbox.scenery.drawing.canvas import FROM_RGB, Canvas, Field, downsample
from videos.sandbox.scenery.drawing.layers import smoothstep
from videos.sandbox.scenery.scene import Scene, SceneSpec

ZOOM = 0.10  # share of the image's width outside the frame at the end
FADE_FROM, FADE_FOR = 0.45, 0.35  # shares of the clip


class ReferenceImage:
    def __init__(self, spec: SceneSpec, scene: Scene, image_file: Path) -> None:
        self.spec, self._scene, self.ambience = spec, scene, scene.ambience
        with Image.open(image_file, formats=("JPEG", "PNG", "WEBP")) as opened:
            # With `[[size:mismatch]]` the clip has another size than the image.
            image = opened.convert("RGB").resize((spec.width, spec.height))
        planes = np.asarray(image, np.float32) @ FROM_RGB.T
        y, u, v = (np.ascontiguousarray(planes[:, :, index]) for index in range(3))
        self._planes = [Image.fromarray(plane) for plane in (y, downsample(u), downsample(v))]

    def paint(self, canvas: Canvas, at: float) -> None:
        share = self.spec.share(at)
        faded = smoothstep((share - FADE_FROM) / FADE_FOR)
        if faded > 0:
            self._scene.paint(canvas, at)
        if faded < 1:
            for plane, image in zip((canvas.y, canvas.u, canvas.v), self._planes, strict=True):
                change = (self._zoomed(image, share * ZOOM) - plane) * np.float32(1 - faded)
                np.add(plane, change, out=plane)

    def _zoomed(self, image: Image.Image, zoom: float) -> Field:
        if zoom == 0:
            return np.asarray(image)
        left, top = image.width * zoom / 2, image.height * zoom / 2
        box = (left, top, image.width - left, image.height - top)
        return np.asarray(image.resize(image.size, Image.Resampling.BILINEAR, box))
