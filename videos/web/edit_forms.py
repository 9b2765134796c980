"""The form of an edit: what it changes, as fields of their own names, and the recipe they make."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.files.uploadedfile import UploadedFile

from config.lib.web.forms import WholeNumberField
from videos.editing import recipes
from videos.editing.recipes import Join, Recipe, Reframe, Sound, Trim
from videos.media import uploads
from videos.models import Upload, Video

# How many videos the form can join to the first one, and how many it offers for each place.
JOINED = 4
OFFERED = 60
SOUNDS = 30


def _seconds(least: float = 0, most: float = recipes.LATEST) -> forms.FloatField:
    return forms.FloatField(min_value=least, max_value=most, required=False)


class EditForm(forms.Form):
    """Every field may be empty; percents are whole numbers."""

    trim_start, trim_end = _seconds(), _seconds()
    fit = forms.ChoiceField(choices=[(name, name) for name in recipes.FITS], required=False)
    crossfade = _seconds(most=recipes.LONGEST_CROSSFADE)
    aspect = forms.ChoiceField(choices=[(name, name) for name in recipes.ASPECTS], required=False)
    reframe_fit = forms.ChoiceField(choices=[(name, name) for name in recipes.FITS], required=False)
    position = WholeNumberField(min_value=0, max_value=100, required=False)
    speed = forms.FloatField(min_value=recipes.SLOWEST, max_value=recipes.FASTEST, required=False)
    loops = WholeNumberField(min_value=1, max_value=recipes.MOST_LOOPS, required=False)
    sound = forms.ChoiceField(
        choices=[(name, name) for name in ("mute", *recipes.MODES)], required=False
    )
    sound_file = forms.FileField(required=False)
    offset = _seconds(-recipes.LATEST)
    volume = WholeNumberField(min_value=0, max_value=400, required=False)
    own_volume = WholeNumberField(min_value=0, max_value=400, required=False)
    fade_in, fade_out = _seconds(most=recipes.LONGEST_FADE), _seconds(most=recipes.LONGEST_FADE)
    repeat = forms.BooleanField(required=False)
    poster = _seconds()

    def __init__(self, user: AbstractBaseUser, video: Video, data: Any = None, files: Any = None):
        super().__init__(data, files)
        self.user, self.video = user, video
        done = Video.objects.of(user).filter(status=Video.Status.SUCCEEDED)
        self.fields["sound_kept"] = forms.ModelChoiceField(
            uploads.sounds_of(user).order_by("-created_at"), required=False
        )
        for n in range(1, JOINED + 1):
            self.fields[f"join_{n}"] = forms.ModelChoiceField(done, required=False)

    @property
    def offered(self) -> Sequence[Video]:
        """The videos that can be joined, newest first."""
        if not hasattr(self, "_offered"):
            done = Video.objects.of(self.user).filter(status=Video.Status.SUCCEEDED)
            self._offered = list(done.newest()[:OFFERED])
        return self._offered

    @property
    def joins(self) -> list[dict[str, Any]]:
        """The places for videos that are joined, with the video that was chosen for each."""
        names = [f"join_{n}" for n in range(1, JOINED + 1)]
        return [
            {"name": name, "number": n, "chosen": str(self.data.get(name) or "")}
            for n, name in enumerate(names, 2)
        ]

    @property
    def joined(self) -> bool:
        """Whether a video was chosen to be joined."""
        return any(place["chosen"] for place in self.joins)

    @property
    def sounds(self) -> Sequence[Upload]:
        """The sound files that the user has uploaded, newest first."""
        return list(uploads.sounds_of(self.user).order_by("-created_at")[:SOUNDS])

    @property
    def videos(self) -> list[Video]:
        """The videos of the edit, in their order."""
        asked = [self.cleaned_data[f"join_{n}"] for n in range(1, JOINED + 1)]
        return [self.video, *filter(None, asked)]

    @property
    def new_sound(self) -> UploadedFile | None:
        """The sound file that was sent, if it is used."""
        found: UploadedFile | None = self.cleaned_data["sound_file"]
        return found if self.cleaned_data["sound"] in recipes.MODES else None

    @property
    def kept_sound(self) -> Upload | None:
        """The sound file of before that was chosen, if it is used."""
        found: Upload | None = self.cleaned_data["sound_kept"]
        return found if self.cleaned_data["sound"] in recipes.MODES else None

    def recipe(self) -> Recipe:
        """Return what the fields ask for."""
        given = self.cleaned_data
        start, end = given["trim_start"] or 0.0, given["trim_end"]
        # The fields stand on the whole video at first.
        is_whole = not start and (end is None or end >= self.video.seconds)
        fits = given["fit"] or "bars", given["reframe_fit"] or "crop"
        return Recipe(
            trim=None if is_whole else Trim(start, end),
            join=Join(fits[0], given["crossfade"] or 0.0) if len(self.videos) > 1 else None,
            reframe=self._reframe(fits[1]),
            speed=given["speed"] or 1.0,
            loops=given["loops"] or 1,
            mute=given["sound"] == "mute",
            sound=self._sound() if given["sound"] in recipes.MODES else None,
            poster=given["poster"],
        )

    def _reframe(self, fit: str) -> Reframe | None:
        given = self.cleaned_data
        if not given["aspect"]:
            return None
        place = 50 if given["position"] is None else given["position"]
        return Reframe(given["aspect"], fit, place / 100)

    def _sound(self) -> Sound:
        given = self.cleaned_data
        volumes = [100 if given[n] is None else given[n] for n in ("volume", "own_volume")]
        return Sound(
            given["sound"],
            given["offset"] or 0.0,
            volumes[0] / 100,
            volumes[1] / 100,
            given["fade_in"] or 0.0,
            given["fade_out"] or 0.0,
            given["repeat"],
        )
