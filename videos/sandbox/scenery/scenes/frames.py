"""Clips that start from an image, or end with one; the camera moves, and the scene fades."""

from pathlib import Path

from videos.sandbox.scenery.drawing.canvas import Canvas
from videos.sandbox.scenery.drawing.layers import smoothstep
from videos.sandbox.scenery.drawing.picture import Picture, open_image
from videos.sandbox.scenery.scene import Scene, SceneSpec

ZOOM = 0.10  # share of the image's width outside the frame at the end
FADE_FROM, FADE_FOR = 0.45, 0.35  # shares of the clip
LAST_FADE_FROM, LAST_FADE_FOR = 0.55, 0.30


class FirstFrame:
    """The camera zooms into the image, then the scene appears."""

    def __init__(self, spec: SceneSpec, scene: Scene, image_file: Path) -> None:
        self.spec, self._scene, self.ambience = spec, scene, scene.ambience
        self._picture = _fitted(spec, image_file)

    def paint(self, canvas: Canvas, at: float) -> None:
        share = self.spec.share(at)
        faded = smoothstep((share - FADE_FROM) / FADE_FOR)
        if faded > 0:
            self._scene.paint(canvas, at)
        if faded < 1:
            self._picture.blend(canvas, 1 - faded, share * ZOOM)


class LastFrame:
    """The image appears over the scene, and is shown whole at the end."""

    def __init__(self, spec: SceneSpec, scene: Scene, image_file: Path) -> None:
        self.spec, self._scene, self.ambience = spec, scene, scene.ambience
        self._picture = _fitted(spec, image_file)

    def paint(self, canvas: Canvas, at: float) -> None:
        share = self.spec.share(at)
        shown = smoothstep((share - LAST_FADE_FROM) / LAST_FADE_FOR)
        if shown < 1:
            self._scene.paint(canvas, at)
        if shown > 0:
            self._picture.blend(canvas, shown, max(0.0, 1 - share) * ZOOM)


def _fitted(spec: SceneSpec, image_file: Path) -> Picture:
    # With `[[size:mismatch]]` the clip has another size than the image.
    return Picture(open_image(image_file).resize((spec.width, spec.height)))
