"""Sample clips that come with the product; they fill the walls until staff publish as many clips.

They are static files drawn by the sandbox's renderer. They have no likes and views and are not part
of the API.
"""

from dataclasses import dataclass

from django.templatetags.static import static
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SECONDS = 4


@dataclass(frozen=True)
class Sample:
    """A sample clip; the size is in pixels."""

    name: str
    title: Promise
    prompt: Promise
    is_portrait: bool = False

    @property
    def width(self) -> int:
        return 480 if self.is_portrait else 848

    @property
    def height(self) -> int:
        return 848 if self.is_portrait else 480

    @property
    def video_path(self) -> str:
        return static(f"samples/{self.name}.mp4")

    @property
    def poster_path(self) -> str:
        return static(f"samples/{self.name}.webp")


SAMPLES = (
    Sample(
        "lavender",
        _("Lavender rows at last light"),
        _("Lavender fields at last light, the camera glides low along the rows"),
    ),
    Sample(
        "harbour",
        _("Paper boat"),
        _("A paper boat drifts over a still harbour at dusk, slow dolly in"),
        is_portrait=True,
    ),
    Sample(
        "saturn",
        _("Slow approach"),
        _("A slow approach to a ringed planet, its shadow lying across the rings"),
    ),
    Sample(
        "balloons",
        _("Balloons"),
        _("Balloons drift over a sea of clouds at dawn, seen from above"),
        is_portrait=True,
    ),
    Sample(
        "dunes",
        _("Wind on the crest"),
        _("Dunes at first light, wind drawing sand off the crest, long lens"),
    ),
    Sample(
        "reef",
        _("Above the reef"),
        _("Fish turn in shafts of light above a coral reef, slow and wide"),
    ),
    Sample(
        "neon",
        _("Neon rain"),
        _("Rain on a neon city at night, signs shining in the water below"),
        is_portrait=True,
    ),
    Sample(
        "cabin",
        _("One window"),
        _("Snow falls on a cabin in a winter wood, warm light in one window"),
    ),
    Sample(
        "forest",
        _("Fireflies"),
        _("Fireflies rise in a redwood forest after rain, green dusk"),
        is_portrait=True,
    ),
    Sample(
        "mountains",
        _("First light in the mountains"),
        _("Morning fog pours between mountain ridges as the sun clears the last peak"),
    ),
    Sample(
        "lanterns",
        _("Lanterns"),
        _("Paper lanterns rise between soft lights at a summer festival at night"),
        is_portrait=True,
    ),
    Sample(
        "aurora",
        _("Above the pine line"),
        _("Aurora curtains ripple above a dark pine forest, stars overhead, tripod still"),
    ),
)


def find(name: str) -> Sample | None:
    """Return the sample with this name; None when there is none."""
    return next((sample for sample in SAMPLES if sample.name == name), None)
