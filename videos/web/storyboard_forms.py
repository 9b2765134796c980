"""The forms of a storyboard and of its shots."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext_lazy as _

from config.lib.web.forms import MultilineField, WholeNumberField
from videos.editing.recipes import LONGEST_CROSSFADE
from videos.media import uploads
from videos.models.storyboard import STYLE_MAX
from videos.storyboards import shots

# What a shot begins with.
NOTHING, FRAME, IMAGE = "", "frame", "image"


class NewBoardForm(forms.Form):
    title = forms.CharField(
        label=_("Name"), max_length=80, error_messages={"required": _("Enter a name.")}
    )


class BoardForm(NewBoardForm):
    """What all shots share; empty fields are the defaults."""

    style = MultilineField(max_length=STYLE_MAX, required=False)
    model = forms.CharField(max_length=64, required=False)
    size = forms.CharField(max_length=16, required=False)


class ShotForm(forms.Form):
    """A shot; a file is its first image, whatever else is chosen."""

    prompt = MultilineField(
        max_length=shots.PROMPT_MAX,
        error_messages={"required": _("Describe what the shot should show.")},
    )
    seconds = WholeNumberField(min_value=0, max_value=600, required=False)
    model = forms.CharField(max_length=64, required=False)
    begins = forms.ChoiceField(
        choices=[(NOTHING, ""), (FRAME, FRAME), (IMAGE, IMAGE)], required=False
    )
    file = forms.FileField(required=False)

    @contextmanager
    def values(self, user: AbstractBaseUser) -> Iterator[dict[str, Any]]:
        """Store the image for a block that writes the shot; if it raises, it is discarded.

        Raises what uploads.store_image raises.
        """
        data = self.cleaned_data
        found = {name: data[name] for name in ("prompt", "model")}
        found["seconds"] = data["seconds"] or 0
        with uploads.images_of_order(user, [data["file"]]) as (image,):
            if image:
                found["first_image"] = image
            elif data["begins"] != IMAGE:
                found |= {"first_image": None, "continues": data["begins"] == FRAME}
            yield found


class FilmForm(forms.Form):
    crossfade = forms.FloatField(min_value=0, max_value=LONGEST_CROSSFADE, required=False)
