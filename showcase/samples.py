"""Sample clips that come with the product; pages show them until staff publish the first clip.

They are static files drawn by the sandbox's renderer. They have no likes and views and are not part
of the API.
"""

from dataclasses import dataclass

from django.conf import settings
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
        return 360 if self.is_portrait else 640

    @property
    def height(self) -> int:
        return 640 if self.is_portrait else 360

    @property
    def video_url(self) -> str:
        return settings.BASE_URL + static(f"samples/{self.name}.mp4")

    @property
    def poster_url(self) -> str:
        return settings.BASE_URL + static(f"samples/{self.name}.webp")


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
        "dunes",
        _("Wind on the crest"),
        _("Dunes at first light, wind drawing sand off the crest, long lens"),
    ),
    Sample(
        "aurora",
        _("Above the pine line"),
        _("Aurora curtains ripple above a dark pine forest, stars overhead, tripod still"),
    ),
    Sample(
        "cabin",
        _("One window"),
        _("Snow falls on a cabin in a winter wood, warm light in one window"),
    ),
    Sample(
        "mountains",
        _("First light in the mountains"),
        _("Morning fog pours between mountain ridges as the sun clears the last peak"),
    ),
    Sample(
        "forest",
        _("Fireflies"),
        _("Fireflies rise in a redwood forest after rain, green dusk"),
    ),
)


def find(name: str) -> Sample | None:
    """Return the sample with this name; None when there is none."""
    return next((sample for sample in SAMPLES if sample.name == name), None)
