"""The scene of draft renders: a plain dawn, drawn in next to no time for tests."""

from videos.sandbox.scenery.canvas import Canvas, column, ink
from videos.sandbox.scenery.layers import fill
from videos.sandbox.scenery.lights import disc
from videos.sandbox.scenery.setting import Setting

SKIES = [
    [(0.0, "#1a1440"), (0.6, "#c2607a"), (1.0, "#ffc98a")],
    [(0.0, "#0b1f3f"), (0.6, "#3f8f9a"), (1.0, "#ffe2a8")],
    [(0.0, "#2a1038"), (0.6, "#d9546a"), (1.0, "#ffb07a")],
]


class Draft:
    sound = "wind"

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self._sky = column(SKIES[setting.seed % len(SKIES)], setting.height)
        self._sun = ink("#fff2d6")

    def paint(self, canvas: Canvas, at: float) -> None:
        fill(canvas, self._sky)
        height = canvas.height * (0.6 - 0.25 * self.setting.share(at))
        disc(canvas, canvas.width * 0.5, height, self.setting.unit * 0.1, self._sun)
