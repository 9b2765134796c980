"""A clip of reference images: they hang in a row over the scene."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from videos.sandbox.scenery.drawing.canvas import Canvas
from videos.sandbox.scenery.drawing.picture import Picture, open_image
from videos.sandbox.scenery.scene import Scene, SceneSpec

# In units of the clip's shorter side; three of the widest fit beside each other.
HEIGHT, MOST_WIDTH, MARGIN, BORDER, DRIFT = 0.26, 0.26, 0.04, 0.008, 0.03


class References:
    def __init__(self, spec: SceneSpec, scene: Scene, image_files: Sequence[Path]) -> None:
        self.spec, self._scene, self.ambience = spec, scene, scene.ambience
        self._pictures = [Picture(self._framed(file)) for file in image_files]

    def _framed(self, file: Path) -> Image.Image:
        unit, border = self.spec.unit, max(1, round(self.spec.unit * BORDER))
        image = open_image(file)
        image.thumbnail((round(unit * MOST_WIDTH), round(unit * HEIGHT)))
        framed = ImageOps.expand(image, border, "white")
        return framed.resize((max(2, framed.width & ~1), max(2, framed.height & ~1)))

    def paint(self, canvas: Canvas, at: float) -> None:
        self._scene.paint(canvas, at)
        margin = round(self.spec.unit * MARGIN) & ~1
        left, top = margin, (margin + round(self.spec.pan(at, DRIFT))) & ~1
        for picture in self._pictures:
            if left + picture.width <= canvas.width:
                picture.paint(canvas, left, top)
            left += picture.width + margin
