"""Styles, light and camera moves that the studio shows as pictures, with the words they add.

The pictures are in static/prompts; `python -m tests.tour.suggestions` draws them.
"""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Suggestion(NamedTuple):
    """Words for the end of a prompt; `name` is that of the picture."""

    name: str
    words: Promise

    @property
    def picture(self) -> str:
        """The static file of its picture."""
        return f"prompts/{self.name}.webp"


STYLES = (
    Suggestion("film", _("35 mm film grain")),
    Suggestion("black-and-white", _("Black and white")),
    Suggestion("super-8", _("Super 8 film")),
    Suggestion("watercolour", _("Watercolour")),
    Suggestion("oil", _("Oil painting")),
    Suggestion("pencil", _("Pencil drawing")),
    Suggestion("paper", _("Paper cut-out")),
    Suggestion("pixels", _("Pixel art")),
    Suggestion("golden-hour", _("Golden hour")),
    Suggestion("moonlight", _("Moonlight")),
    Suggestion("fog", _("Morning fog")),
    Suggestion("rain", _("Rain on glass")),
)
CAMERA_MOVES = (
    Suggestion("static", _("Static shot")),
    Suggestion("dolly-in", _("Slow dolly in")),
    Suggestion("dolly-out", _("Slow dolly out")),
    Suggestion("pan-left", _("Pan to the left")),
    Suggestion("pan-right", _("Pan to the right")),
    Suggestion("tilt-up", _("Tilt up")),
    Suggestion("drone", _("Drone reveal")),
    Suggestion("orbit", _("Orbit around the subject")),
    Suggestion("handheld", _("Handheld")),
    Suggestion("rack-focus", _("Rack focus")),
    Suggestion("macro", _("Macro")),
    Suggestion("time-lapse", _("Time-lapse")),
)
