"""The scene of draft renders: a plain dawn that is fast to draw, for tests."""

from videos.sandbox.scenery.drawing.canvas import Canvas, solid, vertical_gradient
from videos.sandbox.scenery.drawing.layers import fill
from videos.sandbox.scenery.drawing.lights import draw_disc
from videos.sandbox.scenery.scene import SceneSpec

SKIES = [
    [(0.0, "#1a1440"), (0.6, "#c2607a"), (1.0, "#ffc98a")],
    [(0.0, "#0b1f3f"), (0.6, "#3f8f9a"), (1.0, "#ffe2a8")],
    [(0.0, "#2a1038"), (0.6, "#d9546a"), (1.0, "#ffb07a")],
]


class Draft:
    ambience = "wind"

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        self._sky = vertical_gradient(SKIES[spec.seed % len(SKIES)], spec.height)
        self._sun = solid("#fff2d6")

    def paint(self, canvas: Canvas, at: float) -> None:
        fill(canvas, self._sky)
        height = canvas.height * (0.6 - 0.25 * self.spec.share(at))
        draw_disc(canvas, canvas.width * 0.5, height, self.spec.unit * 0.1, self._sun)
