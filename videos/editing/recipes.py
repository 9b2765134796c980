"""What an edit does: a recipe, its bounds, and the checks that need the videos.

The operations are applied in this order, whatever the order in a request: the first video is
trimmed, others are joined to it, the picture is reframed, the speed is changed, the film is
repeated, its sound is muted, replaced or mixed, and a frame becomes the poster.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from videos.models import MediaJob, Upload, Video

ASPECTS = ("16:9", "9:16", "1:1")
FITS = ("bars", "crop")
MODES = ("replace", "mix")
SLOWEST, FASTEST = 0.25, 4.0
MOST_LOOPS = 20
LONGEST_CROSSFADE = 2.0
LOUDEST = 4.0
LONGEST_FADE = 60.0
# How far from the beginning a time may lie, in seconds.
LATEST = 24 * 3600.0
# A video may be a moment longer than its order said.
TOLERANCE_SECONDS = 1.0
# What stays of a trimmed video lasts at least so long, in seconds: two frames or more.
SHORTEST = 0.1


class NotEditable(Exception):
    """The edit cannot be made; nothing was written. `field` is the one to change."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


@dataclass(frozen=True)
class Trim:
    """The part of the first video that stays, in seconds; without an end to its end."""

    start: float = 0.0
    end: float | None = None


@dataclass(frozen=True)
class Join:
    """How videos that follow become one with the first one; `crossfade` is in seconds."""

    fit: str = "bars"
    crossfade: float = 0.0


@dataclass(frozen=True)
class Reframe:
    """Another shape of the picture; `position` from 0, left or top, to 1 is where it is cut."""

    aspect: str
    fit: str = "crop"
    position: float = 0.5


@dataclass(frozen=True)
class Sound:
    """How an uploaded sound file is added; times in seconds, 1 is the volume it has.

    `offset` is where it begins in the film; a negative one leaves out its own beginning.
    """

    mode: str = "replace"
    offset: float = 0.0
    volume: float = 1.0
    own_volume: float = 1.0
    fade_in: float = 0.0
    fade_out: float = 0.0
    repeat: bool = False


@dataclass(frozen=True)
class Recipe:
    """All operations of an edit; what is None or has its default is not done."""

    trim: Trim | None = None
    join: Join | None = None
    reframe: Reframe | None = None
    speed: float = 1.0
    loops: int = 1
    mute: bool = False
    sound: Sound | None = None
    poster: float | None = None

    def stored(self) -> dict[str, Any]:
        """The recipe as JSON, as `of_job` reads it."""
        return asdict(self)

    @property
    def does_nothing(self) -> bool:
        return self in {Recipe(), Recipe(trim=Trim())}


def of_job(job: MediaJob) -> Recipe:
    """Return the recipe of a job."""
    kept = dict(job.recipe)
    for name, kind in (("trim", Trim), ("join", Join), ("reframe", Reframe), ("sound", Sound)):
        if kept.get(name) is not None:
            kept[name] = kind(**kept[name])
    return Recipe(**kept)


def check(recipe: Recipe, videos: Sequence[Video], sound: Upload | None) -> None:
    """Check what a recipe asks of these videos. Raises NotEditable.

    Whether the files hold what the library says shows when the edit is made.
    """
    if recipe.does_nothing:
        raise NotEditable("recipe", _("Say what to change: this edit would change nothing."))
    _check_videos(recipe, videos)
    _check_sound(recipe, sound)
    _check_trim(recipe.trim, videos[0])
    lengths = _lengths(recipe, videos)
    if recipe.join and recipe.join.crossfade > min(lengths) / 2:
        raise NotEditable("crossfade", _("The cross-fade is longer than half of a video."))
    joined = sum(lengths)
    made = joined / recipe.speed * recipe.loops
    if recipe.poster is not None and recipe.poster > made + TOLERANCE_SECONDS:
        raise NotEditable("poster", _("The poster lies after the end of the film."))
    longest = max(joined, made)
    if longest > settings.EDIT_MAX_SECONDS + TOLERANCE_SECONDS:
        most = settings.EDIT_MAX_SECONDS
        raise NotEditable("recipe", _("The film would be longer than %(n)s seconds.") % {"n": most})


def _check_videos(recipe: Recipe, videos: Sequence[Video]) -> None:
    if len(videos) > settings.EDIT_MAX_VIDEOS:
        most = settings.EDIT_MAX_VIDEOS
        raise NotEditable("videos", _("An edit joins at most %(n)s videos.") % {"n": most})
    if (recipe.join is not None) != (len(videos) > 1):
        raise NotEditable("videos", _("Choose the videos to join."))
    for video in videos:
        if video.status != Video.Status.SUCCEEDED or not video.has_file or video.is_expired:
            raise NotEditable("videos", _("Only a finished video with a file can be edited."))
        if video.width * video.height > settings.EDIT_MAX_PIXELS:
            raise NotEditable("videos", _("The picture of a video is too large to be edited."))


def _check_sound(recipe: Recipe, sound: Upload | None) -> None:
    if (recipe.sound is None) != (sound is None):
        raise NotEditable("sound", _("Choose a sound file."))
    if recipe.sound and recipe.mute and recipe.sound.mode == "mix":
        raise NotEditable("sound", _("A muted video has no sound to mix with."))


def _check_trim(trim: Trim | None, video: Video) -> None:
    if trim is None:
        return
    if trim.end is not None and trim.end <= trim.start:
        raise NotEditable("trim", _("The end has to come after the start."))
    if trim.end is not None and trim.end - trim.start < SHORTEST:
        raise NotEditable("trim", _("The part that stays has to last a tenth of a second."))
    if trim.start >= video.seconds + TOLERANCE_SECONDS:
        raise NotEditable("trim", _("The start lies after the end of the video."))


def _lengths(recipe: Recipe, videos: Sequence[Video]) -> list[float]:
    """How long each video is in the film, as far as the library knows."""
    lengths = [float(video.seconds) for video in videos]
    if recipe.trim:
        end = lengths[0] if recipe.trim.end is None else min(recipe.trim.end, lengths[0])
        lengths[0] = max(end - recipe.trim.start, 0.0)
    return lengths
